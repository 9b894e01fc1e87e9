"""The chat function's own door, and the events by which a test looks into it or lets it go."""

from __future__ import annotations

from typing import Any

from scripted import lambda_handler as staged  # type: ignore[import-not-found]  # beside this file

import chat.app


def lambda_handler(event: Any, context: Any) -> Any:
    handler = staged if isinstance(event, dict) and "do" in event else chat.app.lambda_handler
    return handler(event, context)
