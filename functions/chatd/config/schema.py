"""The schema of chatd.toml: its keys and the values of each.

The schema of a provider's table is loaded with the first such table. settings.py checks the values
against each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, PlainValidator

from chatd.config.tables import Name, Table, TimeoutsTable
from chatd.safe_json.item_limits import MAX_TIER_MODELS, items

if TYPE_CHECKING:
    from chatd.config.provider_table import ProviderTable


def _tier(value: Any) -> Any:
    return {"models": value} if isinstance(value, list) else value


def _model(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


def _provider(value: Any) -> ProviderTable:
    # Its fields take longer than all others, and few deployments have such a table.
    from chatd.config.provider_table import ProviderTable  # noqa: PLC0415  # see above

    return ProviderTable.model_validate(value)


class TierModel(Table):
    """`{ model = "…", context = 200000 }`: a model, and its context window in tokens."""

    model: Name
    context: Annotated[int, Field(gt=0)] | None = None


class TierTable(Table):
    """`<name> = ["model", …]` or a table of models and timeouts."""

    models: Annotated[
        list[Annotated[TierModel, BeforeValidator(_model)]], items(MAX_TIER_MODELS, at_least=1)
    ]
    timeouts: TimeoutsTable = TimeoutsTable()
    same_model: bool = False


class ConfigFile(Table):
    """The whole file."""

    default_provider: str | None = None
    drop_params: bool = False
    allow_http_images: bool = False
    providers: dict[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")],
        Annotated[Any, PlainValidator(_provider)],
    ] = Field(default_factory=dict)
    tiers: dict[Name, Annotated[TierTable, BeforeValidator(_tier)]] = Field(default_factory=dict)
