"""The pages document every key, variable, error and provider, and their links work."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from chatd import errors
from chatd.config.catalog import CATALOG
from chatd.config.provider_table import AwsTable, EmbeddingsTable, GuardrailTable, ProviderTable
from chatd.config.schema import ConfigFile, TierModel, TierTable
from chatd.config.tables import TimeoutsTable
from tests.docs.pages import PAGES, ROOT, name


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT / "docs")
    for module in ("generate", "decision_index", "openapi", "page"):
        sys.modules.pop(module, None)
    return importlib.import_module("generate")


def test_generated_parts_are_current(generate: Any) -> None:
    stale = [file for file, text in generate.wanted().items() if file.read_text("utf-8") != text]

    assert stale == []


def is_documented(key: str, text: str) -> bool:
    """Check for a key in an example as `key = …` or `[key…]`, or in the text as code.

    A word of the prose that contains the key is no documentation.
    """
    word = re.escape(key)
    return bool(
        re.search(rf"^(?:[^#`\n]*[\s{{,\[])?{word}\s*=\s", text, re.MULTILINE)
        or re.search(rf"^\[{word}[.\]]", text, re.MULTILINE)
        or re.search(rf"`{word}(?: = [^`]*)?`", text)
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("plan = 1", True),
        ("x = { plan = 1 }", True),
        ("[plan.x]", True),
        ("the key `plan`", True),
        ("`plan = 7`", True),
        ("a plan", False),
        ("# a plan = b", False),
        ("replan = 1", False),
        ("plans = 1", False),
        ("`plans`", False),
        ("[plans]", False),
    ],
)
def test_a_word_that_contains_a_key_is_no_documentation_of_it(text: str, found: bool) -> None:
    assert is_documented("plan", text) == found


@pytest.mark.parametrize(
    "table",
    [
        *(
            AwsTable,
            ConfigFile,
            EmbeddingsTable,
            GuardrailTable,
            ProviderTable,
            TierModel,
            TierTable,
        ),
        TimeoutsTable,
    ],
)
def test_every_key_of_chatd_toml_is_documented(table: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "configuration.md").read_text("utf-8")

    assert [key for key in sorted(table.model_fields) if not is_documented(key, text)] == []


def test_every_variable_that_the_functions_read_is_documented() -> None:
    """Compare whole names: CHATD_CONFIG is no documentation of CHATD_CON."""
    documented = {
        variable
        for file in (ROOT / "docs").glob("*.md")
        for variable in re.findall(r"\bCHATD_[A-Z_]+\b", file.read_text("utf-8"))
    }
    read = {
        variable
        for file in (ROOT / "functions").rglob("*.py")
        for variable in re.findall(r"""["'](CHATD_[A-Z_]+)["']""", file.read_text("utf-8"))
    }

    assert sorted(read - documented) == []
    assert read


def test_every_error_is_documented() -> None:
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    classes = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ChatdError)
    ]

    undocumented = [
        kind.__name__
        for kind in classes
        if kind is not errors.ChatdError and f"`{kind.default_code}`" not in text
    ]
    assert undocumented == []


def test_providers_md_names_every_provider_and_the_readme_counts_them() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    page = (ROOT / "docs" / "providers.md").read_text("utf-8")

    named = [row.name for row in CATALOG.values() if f"`{row.prefix}…`" in readme]
    assert f"[{len(CATALOG) - len(named)} more](docs/providers.md)" in readme
    assert [row.name for row in CATALOG.values() if f"`{row.prefix}<model>`" not in page] == []


def test_the_index_lists_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text("utf-8")
    pages = {file.name for file in (ROOT / "docs").glob("*.md")} - {"README.md"}

    assert sorted(page for page in pages if f"]({page})" not in index) == []


def without_code(text: str) -> str:
    """Remove blocks of code: links and headings in code do not count."""
    return re.sub(r"^(```+|~~~+).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """List the anchors that GitHub makes of headings, and those written as HTML."""
    text = without_code(text)
    found: list[str] = []
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        again = sum(
            other == slug or re.fullmatch(rf"{re.escape(slug)}-\d+", other) is not None
            for other in found
        )
        found.append(f"{slug}-{again}" if again else slug)
    return {*found, *re.findall(r"<[^>]+ (?:id|name)=[\"']([^\"']+)", text)}


def test_anchors_are_those_that_github_makes() -> None:
    text = """# What `x` is: a (short) test
## Again
## Again
```
# no heading
```
### [A link](there.md) in it
<a id="own"></a>"""

    assert anchors(text) == {
        *("what-x-is-a-short-test", "again", "again-1", "a-link-in-it", "own"),
    }


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_between_pages_has_a_target(page: Path) -> None:
    text = without_code(page.read_text("utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        other = page.parent / path if path else page
        if not other.exists() or (anchor and anchor not in anchors(other.read_text("utf-8"))):
            broken.append(target)

    assert broken == []
