"""Serve HTTP: accept connections, admit requests, pass requests to workers, write responses."""
