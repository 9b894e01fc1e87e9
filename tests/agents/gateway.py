"""Configure a gateway with providers of every dialect, all of them the scripted model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tests.agents import task
from tests.agents.programs import Scene
from tests.agents.scripted_model import (
    DIALECTS,
    MODELS,
    WAYS,
    Logged,
    ScriptedModel,
    scripted_model,
)
from tests.local.conftest import ROOT, Start

CALLER_KEY = "made-up-caller-key-0123456789"
PROVIDER_KEY = "sk-made-up-provider-0123456789"
_ROW = """\
[providers.{name}]
dialect = "{dialect}"
base_url = "{url}"
key_variable = "SCRIPTED_KEY"
known_to_think = "."
"""
_KEY_HEADER = 'key_headers = { anthropic_messages = "x-api-key" }\n'


@dataclass(frozen=True, slots=True)
class Stage:
    """A gateway in front of the scripted model."""

    url: str
    model: ScriptedModel

    def scene(self, folder: Path, script: ModuleType = task) -> Scene:
        """Empty the log of the model, set its script, and return folders for one run of an agent.

        Args:
            folder: An empty folder.
            script: A module with `reply` and `make_folder`.

        """
        self.model.log.clear()
        self.model.refused.clear()
        self.model.reply = script.reply
        home = folder / "home"
        home.mkdir()
        return Scene(self.url, CALLER_KEY, home, script.make_folder(folder / "scratch"))

    def checked_log(self) -> list[Logged]:
        """Return the log of the model, after checks that hold for every run."""
        assert self.model.refused == []
        assert self.model.log
        for logged in self.model.log:
            anthropic = logged.dialect == "anthropic_messages"
            key = (
                ("x-api-key", PROVIDER_KEY)
                if anthropic
                else ("authorization", f"Bearer {PROVIDER_KEY}")
            )
            assert logged.headers.get(key[0]) == key[1]
            assert CALLER_KEY not in str(logged.headers)
            assert anthropic or "x-anthropic-billing-header" not in logged.text
        return list(self.model.log)


def target(way: str, dialect: str) -> str:
    """Return the name of a model of the row `<way>_<dialect>`."""
    return f"{way}_{dialect}/{MODELS[dialect]}"


def pair(first: str, second: str) -> str:
    """Return the name of the tier in which a second dialect takes over from a dying stream."""
    return f"{first}-then-{second}"


@contextmanager
def stage(start: Start, folder: Path, tiers: Mapping[str, Sequence[str]]) -> Iterator[Stage]:
    """Run a gateway, as `make run` does, with further tiers."""
    with scripted_model() as model:
        config = folder / "chatd.toml"
        config.write_text(_config(model.url, tiers), "utf-8")
        gateway = start(
            *("--code", str(ROOT / "functions")),
            CHATD_CONFIG=str(config),
            CHATD_CALLER_KEYS=CALLER_KEY,
            SCRIPTED_KEY=PROVIDER_KEY,
            OLLAMA_URL=model.url,
        )
        yield Stage(gateway.url, model)


def _config(url: str, tiers: Mapping[str, Sequence[str]]) -> str:
    """Return a chatd.toml with a row `<way>_<dialect>` for every way and dialect.

    Each fault has a row, because a circuit breaker stops the requests to a failing provider.
    """
    rows = []
    for dialect in DIALECTS:
        for name in WAYS:
            base = f"{url}/{name}" + ("" if dialect == "ollama" else "/v1")
            rows.append(_ROW.format(name=f"{name}_{dialect}", dialect=dialect, url=base))
            rows.append(_KEY_HEADER if dialect == "anthropic_messages" else "")
    lines = [f'"{name}" = {list(models)}' for name, models in tiers.items()]
    return "\n".join([*rows, "[tiers]", *lines, ""])
