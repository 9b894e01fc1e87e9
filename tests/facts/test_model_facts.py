"""The table of models follows from LiteLLM's list by the generator's rules."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.config.model_facts import FILE, ModelFacts, _read, keys_of
from facts.__main__ import main
from facts.model_facts import PROVIDERS, Origin, file_of, line_of

ROOT = Path(__file__).parents[2]
TEXT = FILE.read_text("ascii")
# Rows whose server reports what its models take, or has a model of the owner's choice.
SELF_DESCRIBED = {"ollama", "ollama_cloud", "vllm", "lm_studio", "llama_cpp"}
ORIGIN = Origin("1.2.3", "2026-11-26", "MIT License\n\nCopyright")


def model(provider: str, **fields: Any) -> dict[str, Any]:
    return {
        "litellm_provider": provider,
        "mode": "chat",
        "supports_function_calling": True,
        "max_input_tokens": 1000,
        "max_output_tokens": 100,
        **fields,
    }


def sections(models: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return the lines of each section that has some."""
    found: dict[str, list[str]] = {}
    for line in file_of(models, ORIGIN).splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif not line.startswith("#"):
            found.setdefault(section, []).append(line)
    return found


def test_a_makers_line_is_the_common_one() -> None:
    assert sections({"gpt-9": model("openai", supports_vision=True)}) == {
        "*": ["gpt-9 1000 100 tools images"]
    }


def test_a_host_has_a_line_where_it_differs() -> None:
    models = {
        "gpt-9": model("openai", supports_vision=True),
        "azure/gpt-9": model("azure", max_output_tokens=50),
        "azure/gpt-9-2026-01-01": model("azure", max_output_tokens=50),
        "groq/openai/gpt-9": model("groq"),
    }

    assert sections(models) == {
        "*": ["gpt-9 1000 100 tools images"],
        "azure": ["gpt-9 - 50"],
    }


def test_a_no_is_written_where_it_contradicts_the_common_line_or_changes_a_request() -> None:
    models = {
        "gpt-9": model("openai", supports_vision=True, supports_reasoning=False),
        "groq/gpt-9": model("groq", supports_vision=False, supports_assistant_prefill=False),
    }

    assert sections(models) == {
        "*": ["gpt-9 1000 100 tools images"],
        "groq": ["gpt-9 - - no-images no-prefill"],
    }


def test_a_model_of_several_hosts_has_the_most_frequent_facts() -> None:
    models = {
        "groq/m": model("groq"),
        "novita/m": model("novita", max_output_tokens=7),
        "nebius/m": model("nebius"),
    }

    assert sections(models) == {"*": ["m 1000 100 tools"], "novita": ["m - 7"]}


def test_a_model_of_one_host_is_in_its_section_alone() -> None:
    assert sections({"groq/m": model("groq")}) == {"groq": ["m 1000 100 tools"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"deprecation_date": "2026-11-26"},
        {"mode": "embedding"},
        {"supports_function_calling": False},
        {"litellm_provider": "elsewhere"},
    ],
)
def test_what_no_row_chats_with_is_left_out(fields: dict[str, Any]) -> None:
    assert sections({"gpt-9": model("openai", **fields)}) == {}


def test_of_several_regions_the_plain_name_counts() -> None:
    models = {
        "bedrock/us-gov-west-1/vendor.m-v1:0": model("bedrock", max_input_tokens=1),
        "us.vendor.m-v1:0": model("bedrock_converse", max_input_tokens=2),
        "vendor.m-v1:0": model("bedrock_converse", max_input_tokens=3),
    }

    assert sections(models) == {"bedrock": ["m 3 100 tools"]}


def test_the_head_states_source_day_and_license() -> None:
    head = file_of({}, ORIGIN).splitlines()

    assert "# Source: litellm 1.2.3 on PyPI, read on 2026-11-26. Its license:" in head
    assert head[head.index("# MIT License") + 2] == "# Copyright"


def test_the_file_is_of_the_pinned_version() -> None:
    pinned = (ROOT / "requirements" / "models.txt").read_text("ascii")
    version = re.match(r"litellm==(\S+)", pinned)

    assert version is not None
    assert f"# Source: litellm {version[1]} on PyPI, read on 2" in TEXT
    assert "MIT License" in TEXT


def test_every_row_of_the_catalog_has_a_section() -> None:
    assert CATALOG.keys() - SELF_DESCRIBED <= PROVIDERS.keys()
    assert re.findall(r"^\[(.*)\]$", TEXT, re.MULTILINE) == ["*", *PROVIDERS]


def test_the_lines_of_the_file_are_those_that_the_generator_writes() -> None:
    lines = [line for line in TEXT.splitlines() if not line.startswith(("#", "["))]
    read = {line: _read(line) for line in lines}

    assert [line_of(line.split()[0], facts) for line, facts in read.items()] == list(read)
    assert {line for line in lines if keys_of(line.split()[0])[0] != line.split()[0]} == set()
    assert ModelFacts() not in read.values()


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no litellm"):
        main(tmp_path)


@pytest.mark.skipif(
    not (ROOT / ".venv-models" / "models.stamp").exists(),
    reason="`make models-data` installs the 44 MB wheel with the list; the tests do without it",
)
def test_the_pinned_list_makes_the_same_file_again() -> None:
    command = [sys.executable, "-m", "facts", ".venv-models"]
    subprocess.run(command, check=True, cwd=ROOT, env={"PYTHONPATH": f"{ROOT}/functions:{ROOT}"})

    assert FILE.read_text("ascii") == TEXT
