"""A handler with hooks for SnapStart, that tells what was called when."""

from __future__ import annotations

import os
import random
from typing import Any

from scripted import lambda_handler as staged  # type: ignore[import-not-found]  # beside this file

from chatd.aws_lambda import snapstart

HAPPENED: list[str] = []
FAILS = os.environ.get("FAILS")


def note(moment: str) -> None:
    if moment == FAILS:
        raise ValueError("on purpose")
    HAPPENED.append(moment)
    print(f"<{moment}>")


def prepare() -> None:
    note("prepare")
    random.seed(7)


snapstart.hooks(os.environ, prepare, lambda: note("forget"))


def lambda_handler(event: Any, context: Any) -> Any:
    if event == {"do": "tell"}:
        return {"happened": HAPPENED, "drawn": random.random()}  # noqa: S311  # what retries draw from
    return staged(event, context)
