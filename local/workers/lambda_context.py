"""Make the context object that Lambda passes to a handler.

https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from local.workers.cancellation import Cancellation


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The fields of Lambda's context object, and `on_cancel`.

    Attributes:
        timeout: The limit of the invocation in seconds.
        cancellation: Cancelled when the caller hangs up; Lambda's context has no such field.

    """

    function_name: str
    aws_request_id: str
    memory_limit_in_mb: int
    timeout: float
    function_version: str = "$LATEST"
    identity: None = None
    client_context: None = None
    log_stream_name: str = "local"
    cancellation: Cancellation = field(default_factory=Cancellation)
    _started: float = field(default_factory=time.monotonic)

    @property
    def invoked_function_arn(self) -> str:
        """An ARN of an account that cannot exist."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{self.function_name}"

    @property
    def log_group_name(self) -> str:
        """The name of the log group on AWS; here log lines go to the terminal."""
        return f"/aws/lambda/{self.function_name}"

    def on_cancel(self, callback: Callable[[], None]) -> None:
        """Run `callback` in another thread when the caller hangs up."""
        self.cancellation.add(callback)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the pool kills this worker."""
        return max(0, int((self._started + self.timeout - time.monotonic()) * 1000))
