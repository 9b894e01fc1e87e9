"""Run the chat function's handler, and the scripted handler for events with `do`."""

from __future__ import annotations

from typing import Any

from scripted import lambda_handler as scripted_handler  # type: ignore[import-not-found]  # beside this file

import chat.app


def lambda_handler(event: Any, context: Any) -> Any:
    handler = (
        scripted_handler if isinstance(event, dict) and "do" in event else chat.app.lambda_handler
    )
    return handler(event, context)
