"""Serve the gateway on this machine: the command `make run`.

An HTTP server (http_server/) passes each request to a worker process (workers/), which calls the
stack's handler with the event that API Gateway would send. Nothing here is deployed.
"""
