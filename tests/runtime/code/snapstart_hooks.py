"""Record the SnapStart hooks, and return the record for `{"do": "hooks"}`."""

from __future__ import annotations

import os
import random
from typing import Any

from scripted import lambda_handler as scripted_handler  # type: ignore[import-not-found]  # beside this file

from chatd.aws_lambda import snapstart

CALLED_HOOKS: list[str] = []
FAILING_HOOK = os.environ.get("FAILING_HOOK")


def record(hook: str) -> None:
    if hook == FAILING_HOOK:
        raise ValueError("on purpose")
    CALLED_HOOKS.append(hook)
    print(f"<{hook}>")


def prepare() -> None:
    record("prepare")
    random.seed(7)


snapstart.hooks(os.environ, prepare, lambda: record("forget"))


def lambda_handler(event: Any, context: Any) -> Any:
    if event == {"do": "hooks"}:
        return {"hooks": CALLED_HOOKS, "random": random.random()}  # noqa: S311  # the generator of the retry jitter
    return scripted_handler(event, context)
