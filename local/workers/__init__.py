"""Run the stack's handlers in worker processes: pool, protocol, cancellation, Lambda's context."""
