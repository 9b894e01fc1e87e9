"""Tabulate the abilities of each provider's row from the contract run (tests/contract)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider

_FILE = Path(__file__).with_name("provider_abilities.json")
# The columns that the run has, and their heads.
_COLUMNS = {
    "whole": "whole",
    "stream": "stream",
    "tools": "tools",
    "tool results": "results",
    "forced tool": "forced",
    "single call": "single",
    "JSON": "JSON",
    "schema": "schema",
    "schema beside tools": "both",
    "images": "images",
    "thinking": "thinking",
}
# Fields that a provider may lack; the table names those that it does.
_FIELDS = ("temperature", "top_p", "stop", "seed", "penalties", "n", "logprobs")
_SHORT = {
    "anthropic_messages": "messages",
    "openai_responses": "responses",
    "bedrock_converse": "converse",
}
_MARKS = {"yes": "yes", "dropped": "–", "no": "400"}


def abilities() -> str:
    """Tabulate the abilities, a line for each model of the run."""
    recorded: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    heads = [*_COLUMNS.values(), "prefill", "embeddings", "lacks", "dialects", "source"]
    lines = [f"| Provider, model | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for subject, found in recorded.items():
        row = CATALOG.get(subject.partition("/")[0])
        if row is not None:
            lines.append(_line(subject, found, row))
    return "\n".join(lines)


def _line(subject: str, found: dict[str, str], row: Provider) -> str:
    name, _, model = subject.partition("/")
    lacks = [field for field in _FIELDS if found[field] == "dropped"]
    lacks += [f"{field} (400)" for field in _FIELDS if found[field] == "no"]
    cells = [
        f"{name} `{model}`",
        *(_MARKS[found[column]] for column in _COLUMNS),
        "yes" if row.prefill else "–",
        "yes" if row.embeddings_api is not None else "–",
        ", ".join(lacks) or "–",
        ", ".join(_SHORT.get(dialect, dialect) for dialect in _dialects(row)),
        _source(row),
    ]
    return f"| {' | '.join(cells)} |"


def _dialects(row: Provider) -> list[str]:
    models = (dialect for _, dialect in row.model_dialects)
    return list(dict.fromkeys((row.dialect, *row.own_dialects, *models)))


def _source(row: Provider) -> str:
    if row.source is None:
        return "–"
    return f"[{row.checked or 'page'}]({row.source})"
