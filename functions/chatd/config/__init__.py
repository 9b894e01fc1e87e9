"""Read chatd.toml, the environment and the catalog of providers."""
