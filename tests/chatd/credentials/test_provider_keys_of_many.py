"""Each source of keys is read once for all rows, and only when a row needs it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider
from chatd.config.settings import Settings
from chatd.credentials.provider_keys import Credentials
from chatd.credentials.secrets_manager import JsonSecret, SecretUnavailableError
from chatd.errors import ModelNotFoundError
from chatd.routing.registry import Registry
from tests.support.functions import settings

ROWS = 35


class CountedSecret(JsonSecret):
    """Count the reads of a secret."""

    def __init__(self, keys: Mapping[str, str] | None) -> None:
        def fetch(_secret_id: str) -> str:
            if keys is None:
                raise SecretUnavailableError("Secrets Manager answered no", "chatd/providers")
            return json.dumps(keys)

        super().__init__("chatd/providers", fetch)
        self.reads = 0

    def read(self) -> Mapping[str, object]:
        self.reads += 1
        return super().read()


def rows() -> dict[str, Provider]:
    base = CATALOG["openrouter"]
    return {
        f"row{i}": replace(base, name=f"row{i}", key_variable=f"ROW{i}_API_KEY")
        for i in range(ROWS)
    }


def many() -> Settings:
    return replace(settings(), providers=rows())


def parts(
    secret: CountedSecret, environ: Mapping[str, str] | None = None
) -> tuple[Registry, list[str]]:
    warnings: list[str] = []
    return Registry(many(), Credentials(environ or {}, secret, warnings.append)), warnings


@pytest.mark.parametrize("last", [0, 5, ROWS - 1])
def test_the_secret_is_read_once_for_the_default_and_for_the_list(last: int) -> None:
    secret = CountedSecret({f"ROW{last}_API_KEY": "sk-1"})
    registry, warnings = parts(secret)

    assert registry.default().name == f"row{last}"
    assert secret.reads == 1
    assert [row.name for row, _ in registry.registered()] == [f"row{last}"]
    assert (secret.reads, warnings) == (2, [])


def test_no_source_is_read_for_a_first_row_without_a_key() -> None:
    secret = CountedSecret({})
    keyless = replace(CATALOG["ollama"], name="first")
    found = Registry(
        replace(settings(), providers={"first": keyless, **rows()}),
        Credentials({}, secret, lambda _sentence: None),
    )

    assert found.default() is keyless
    assert secret.reads == 0


def test_an_unreadable_secret_is_logged_once_for_all_rows() -> None:
    registry, warnings = parts(CountedSecret(None), {"ROW3_API_KEY": "sk-3"})

    found = registry.registered()

    assert len(found) == ROWS
    assert [row.name for row, availability in found if availability.reason is None] == ["row3"]
    assert len(warnings) == 1
    assert "chatd/providers" in warnings[0]


def test_an_unreadable_env_file_is_logged_once_for_all_rows(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"KIMI_API_KEY=\xff")
    registry, warnings = parts(CountedSecret({}))

    assert len(registry.registered()) == ROWS
    assert len(warnings) == 1


def test_two_malformed_keys_are_logged_each() -> None:
    registry, warnings = parts(CountedSecret({"ROW1_API_KEY": "sk-é", "ROW2_API_KEY": "sk-é"}))

    assert [row.name for row, _ in registry.registered()] == ["row1", "row2"]
    assert [name for name in ("ROW1", "ROW2") if any(name in one for one in warnings)] == [
        "ROW1",
        "ROW2",
    ]


def test_without_any_key_no_row_is_the_default() -> None:
    registry, _ = parts(CountedSecret({}))

    with pytest.raises(ModelNotFoundError):
        registry.default()


def test_the_rows_are_looked_up_only_as_far_as_the_default() -> None:
    looked_up: list[str] = []

    def watched() -> Iterator[Provider]:
        for row in rows().values():
            looked_up.append(row.name)
            yield row

    credentials = Credentials({"ROW2_API_KEY": "sk"}, None, lambda _sentence: None)
    found = credentials.keys_of(watched())
    first = next(row.name for row, key in found if key.value is not None)

    assert (first, looked_up) == ("row2", ["row0", "row1", "row2"])
