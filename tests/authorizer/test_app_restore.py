"""Test that the authorizer discards cached callers after a restore from a snapshot."""

from __future__ import annotations

import json

import pytest

from authorizer import app
from chatd.access.caller_keys import Callers
from chatd.credentials.secrets_manager import SecretUnavailableError

# The tests use `app.…`, because a fixture of another file reloads the module.
SECRET = json.dumps({"pepper": "p" * 64, "callers": {}})


def test_callers_read_before_a_restore_are_not_used_after_the_restore() -> None:
    answers = [SECRET]

    def fetch() -> str:
        if not answers:
            raise SecretUnavailableError("down")
        return answers.pop()

    callers = app.CachedCallers(fetch)
    assert isinstance(callers.current(), Callers)
    callers.forget()

    with pytest.raises(app.CallersUnavailableError):
        callers.current()


def test_the_first_request_after_a_restore_reads_the_secret() -> None:
    reads: list[int] = []

    def fetch() -> str:
        reads.append(1)
        return SECRET

    callers = app.CachedCallers(fetch)
    callers.current()
    callers.current()
    callers.forget()
    callers.current()

    assert len(reads) == 2
