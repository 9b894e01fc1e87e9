"""Handle the events of the authorizer function."""
