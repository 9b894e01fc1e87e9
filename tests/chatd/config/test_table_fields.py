"""The tables of chatd.toml have the fields of a row's objects, so that each can be set."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from chatd.config.embeddings_api import EmbeddingsApi
from chatd.config.model_facts import ModelFacts
from chatd.config.provider import AwsAccess, Guardrail, Provider, Timeouts
from chatd.config.provider_table import (
    AwsTable,
    EmbeddingsTable,
    GuardrailTable,
    ModelTable,
    ProviderTable,
)
from chatd.config.tables import Table, TimeoutsTable

# Fields that only the catalog or the gateway sets.
_OF_THE_CATALOG = {
    *("name", "base_url_variable", "base_path", "variants", "universal", "suffix", "facts"),
    *("stripped_endings", "plans", "plan_dialects", "source", "checked", "excluded"),
}


@pytest.mark.parametrize(
    ("table", "kind", "unset"),
    [
        (AwsTable, AwsAccess, set()),
        (EmbeddingsTable, EmbeddingsApi, {"model_dialects"}),
        (GuardrailTable, Guardrail, {"url"}),
        (ModelTable, ModelFacts, set()),
        (TimeoutsTable, Timeouts, set()),
        (ProviderTable, Provider, _OF_THE_CATALOG),
    ],
)
def test_a_table_sets_every_field_of_its_object(
    table: type[Table], kind: Any, unset: set[str]
) -> None:
    given = set(table.model_fields) - {"enabled", "like"}

    assert given == {field.name for field in fields(kind)} - unset
