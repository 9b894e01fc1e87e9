"""Run the stack's handlers in worker processes.

The HTTP server's side is pool.py, worker_process.py and worker_call.py; the worker's side is
worker_main.py and invocation.py. Both sides exchange frames (frames.py) over a socket.
"""
