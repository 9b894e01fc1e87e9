"""Run AWS's Secrets Manager on this machine, for `make aws-local`."""
