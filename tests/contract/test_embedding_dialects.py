"""Each dialect for embeddings can be named in chatd.toml, and reads its own example."""

from __future__ import annotations

from typing import get_args

import pytest

from chatd.canonical.embedding import EmbeddingRequest
from chatd.config.catalog import CATALOG
from chatd.config.embeddings_api import embeddings_of
from chatd.config.provider_table import EmbeddingDialect
from chatd.dialects import DIALECTS
from chatd.dialects.embeddings import EMBEDDING_DIALECTS, load_embedding_dialect
from chatd.upstream_http import HttpResponse
from tests.contract.registries import ROOT


def test_chatd_toml_knows_the_dialects_of_the_registry() -> None:
    assert set(get_args(EmbeddingDialect)) == set(EMBEDDING_DIALECTS)


@pytest.mark.parametrize("name", EMBEDDING_DIALECTS)
def test_a_dialect_is_documented_and_reads_its_example(name: str) -> None:
    dialect = load_embedding_dialect(name)

    found = dialect.parse(HttpResponse(200, {}, dialect.example), EmbeddingRequest("m", ["a"]))

    assert [list(vector) for vector in found.vectors] == [[1.0]]
    assert f"`{name}`" in (ROOT / "docs/configuration.md").read_text("utf-8")


def test_every_row_names_dialects_of_the_registry() -> None:
    apis = [row.embeddings_api for row in CATALOG.values()] + list(map(embeddings_of, DIALECTS))
    named = [
        name
        for api in apis
        if api is not None
        for name in (api.dialect, *(dialect for _, dialect in api.model_dialects))
        if name is not None
    ]

    assert set(named) <= set(EMBEDDING_DIALECTS)
