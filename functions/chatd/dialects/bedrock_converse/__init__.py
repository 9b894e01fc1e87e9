"""Bedrock's Converse dialect: `/model/{id}/converse` and `/converse-stream`."""
