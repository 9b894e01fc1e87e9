"""Answer the routes that describe the deployment: providers, models, the API."""
