"""Make the tables of facts about models from pinned packages: `make models-data`."""
