"""Describe the deployment: providers, models, the API."""
