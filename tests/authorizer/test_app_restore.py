"""After a restore from a snapshot the authorizer goes by no list of callers from before it."""

from __future__ import annotations

import json

import pytest

from authorizer import app
from chatd.access.caller_keys import Callers
from chatd.credentials.secrets_manager import SecretUnavailableError

# The names of the module are looked up late: another file's fixture loads it anew.
SECRET = json.dumps({"pepper": "p" * 64, "callers": {}})


def test_a_list_that_was_read_before_a_restore_does_not_stand_in_after_it() -> None:
    answers = [SECRET]

    def fetch() -> str:
        if not answers:
            raise SecretUnavailableError("down")
        return answers.pop()

    known = app.KnownCallers(fetch)
    assert isinstance(known.now(), Callers)
    known.forget()

    with pytest.raises(app.CallersUnavailableError):
        known.now()


def test_the_list_is_read_again_at_the_first_request_after_a_restore() -> None:
    reads: list[int] = []

    def fetch() -> str:
        reads.append(1)
        return SECRET

    known = app.KnownCallers(fetch)
    known.now()
    known.now()
    known.forget()
    known.now()

    assert len(reads) == 2
