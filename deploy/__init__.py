"""The commands of the person who deploys; make targets run them."""
