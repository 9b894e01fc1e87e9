"""Ollama's dialect: `/api/chat` and `/api/generate`."""
