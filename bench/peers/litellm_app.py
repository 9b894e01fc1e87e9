"""LiteLLM's proxy under Mangum, started once, which is faster than the handler that LiteLLM ships.

https://github.com/BerriAI/litellm/blob/main/litellm/proxy/lambda.py has `lifespan="on"`, which
reads the configuration in every invocation; `shipped` returns that handler.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from litellm.proxy.proxy_server import app, proxy_startup_event
from mangum import Mangum


def started() -> Any:
    """Return the handler, after the start that a server makes once."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(proxy_startup_event(app).__aenter__())
    return Mangum(app, lifespan="off")


def shipped() -> Any:
    """Return the handler that LiteLLM ships."""
    return importlib.import_module("litellm.proxy.lambda").handler
