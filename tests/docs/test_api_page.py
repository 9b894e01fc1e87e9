"""GET /docs shows the whole API description, without scripts, and its links work."""

from __future__ import annotations

import importlib
import json
import re
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import providers.app
from chatd.surfaces import SURFACES, Entry
from tests.support.functions import LambdaContext, http_event

ROOT = Path(__file__).parents[2]
DESCRIPTION: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
OPERATIONS = [
    (verb, path, operation)
    for path, verbs in DESCRIPTION["paths"].items()
    for verb, operation in verbs.items()
]


class Reader(HTMLParser):
    """Collect the tags, ids, links and words of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self._words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        named = dict(attrs)
        if name := named.get("id"):
            self.ids.append(name)
        if target := named.get("href"):
            self.links.append(target)
        if tag in ("h2", "h3"):
            self._words.append("\n#")

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self._words).split())


@pytest.fixture
def page() -> str:
    result = providers.app.lambda_handler(http_event("GET", "/docs"), LambdaContext())
    assert result["statusCode"] == 200
    assert result["multiValueHeaders"]["Content-Type"] == ["text/html; charset=utf-8"]
    body: str = result["body"]
    return body


def test_the_page_runs_no_script_and_loads_no_file(page: str) -> None:
    reader = Reader(page)

    assert reader.tags & {"script", "link", "img", "iframe", "form"} == set()
    assert "http://" not in page
    assert not re.search(r"\son\w+=", page)


def test_every_link_has_a_heading_or_the_description_as_its_target(page: str) -> None:
    reader = Reader(page)
    inside = {target.removeprefix("#") for target in reader.links if target.startswith("#")}

    assert [target for target in reader.links if not target.startswith("#")] == ["openapi.json"]
    assert inside - set(reader.ids) == set()
    assert inside
    assert len(reader.ids) == len(set(reader.ids))


@pytest.mark.parametrize(("verb", "path", "operation"), OPERATIONS)
def test_every_operation_is_on_the_page(page: str, verb: str, path: str, operation: Any) -> None:
    text = Reader(page).text

    assert f"{verb.upper()}{path}" in text
    assert f"{unescape(operation['summary'])}." in text


@pytest.mark.parametrize("entry", SURFACES.values(), ids=SURFACES.keys())
def test_every_surface_is_described(entry: Entry) -> None:
    calling = (ROOT / "docs" / "calling.md").read_text("utf-8")

    assert entry.path in DESCRIPTION["paths"], "describe the surface in docs/openapi.py"
    assert f"`POST {entry.path}`" in calling, "describe the surface in docs/calling.md"


def test_every_schema_has_its_heading_and_its_fields(page: str) -> None:
    shapes = DESCRIPTION["components"]["schemas"]
    text = Reader(page).text

    assert set(shapes) <= set(Reader(page).ids)
    assert [
        f"{name}.{field}"
        for name, shape in shapes.items()
        for field in shape.get("properties", {})
        if field not in text
    ] == []


def test_every_status_of_an_operation_has_its_row(page: str) -> None:
    rows = re.findall(r"<tr><td>(\d{3})<td>", page)

    assert len(rows) == sum(len(operation["responses"]) for _, _, operation in OPERATIONS)


def test_text_of_a_description_is_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs")
    sys.modules.pop("page", None)
    write = importlib.import_module("page").page
    hostile = "<script>alert(1)</script>"
    made = write(
        {
            "info": {"title": hostile, "version": hostile, "summary": hostile},
            "paths": {f"/{hostile}": {"get": {"summary": hostile, "responses": {}}}},
            "components": {
                "schemas": {
                    "Shape": {
                        "description": hostile,
                        "properties": {hostile: {"type": "string", "description": hostile}},
                    }
                }
            },
        }
    )

    assert "script" not in Reader(made).tags
    assert hostile in Reader(made).text
