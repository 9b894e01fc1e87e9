"""The gateway on this machine: HTTP in front, worker processes behind, a demo upstream.

Nothing here is deployed, and nothing here knows what a chat is: it knows routes, events and
processes, and the handlers of the stack do the rest.
"""
