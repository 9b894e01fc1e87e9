"""The limit of connections follows from the limit of file descriptors."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

from local.http_server.server import connection_limit

SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)
ENOUGH = HARD == resource.RLIM_INFINITY or HARD >= 4096


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (SOFT, HARD))


@pytest.mark.skipif(not ENOUGH, reason="this user's hard limit is below 4096")
def test_a_low_soft_limit_is_raised_to_4096() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, HARD))

    assert connection_limit(32) == 1000
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (4096, HARD)


@pytest.mark.skipif(not ENOUGH, reason="this user's hard limit is below 4096")
def test_a_high_soft_limit_stays() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))

    assert connection_limit(0) == 1000
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (HARD, HARD)


@pytest.mark.parametrize(
    ("hard", "others", "limit"), [(1024, 32, 672), (1024, 600, 104), (1024, 2000, 16), (64, 0, 16)]
)
def test_descriptors_are_reserved_for_other_uses(
    monkeypatch: pytest.MonkeyPatch, hard: int, others: int, limit: int
) -> None:
    # Most users cannot raise a lowered hard limit again, so the limits are faked.
    requested: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _kind: (64, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _kind, limits: requested.append(limits))

    assert connection_limit(others) == limit
    assert requested == ([] if hard == 64 else [(hard, hard)])
    monkeypatch.undo()
