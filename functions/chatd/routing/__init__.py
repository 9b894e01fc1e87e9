"""Select the provider and the model that answer a request."""
