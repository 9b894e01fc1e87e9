"""Apply a provider's table of chatd.toml to the row of the catalog, or make a row from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from chatd.config.catalog import CATALOG
from chatd.config.config_error import ConfigError, quoted
from chatd.config.embeddings_api import EmbeddingsApi, embeddings_of
from chatd.config.provider import AwsAccess, Guardrail, Provider, key_headers_of, limits_of
from chatd.config.provider_table import EmbeddingsTable, ProviderTable
from chatd.errors import one_of

# The keys of a provider's table that are no field of the row, or have another type in the row.
_OTHER_KEYS = {
    *("timeouts", "dialect", "plan", "enabled", "like"),
    *("aws", "guardrail", "models", "embeddings"),
}


def changed_row(name: str, table: ProviderTable, dialects: Collection[str], where: str) -> Provider:
    """Return the row that a table changes or makes.

    Args:
        name: The provider's name.
        table: The table.
        dialects: The names of the known dialects.
        where: The place of the table, for messages.

    Raises:
        ConfigError: With one line that names the key at fault.

    """
    _check_dialects(table, dialects, where)
    return _changed(_row(name, table, where), table, where)


def _check_dialects(table: ProviderTable, dialects: Collection[str], where: str) -> None:
    """Refuse the name of an unknown dialect in any key of a table."""
    if table.dialect is not None and table.dialect not in dialects:
        raise ConfigError(f"{where}.dialect: is none of {one_of(dialects)}")
    names = {
        "model_dialects": (table.model_dialects or {}).values(),
        "own_dialects": table.own_dialects or (),
        "paths": table.paths or (),
        "key_headers": table.key_headers or (),
    }
    for key, found in names.items():
        for name in found:
            if name not in dialects:
                raise ConfigError(f"{where}.{key}: {quoted(name)} is none of {one_of(dialects)}")


def _row(name: str, table: ProviderTable, where: str) -> Provider:
    """Find the row that a table changes, or make one for a further provider."""
    if table.like is not None:
        if table.like not in CATALOG:
            raise ConfigError(f"{where}.like: {quoted(table.like)} is none of {one_of(CATALOG)}")
        if name in CATALOG:
            raise ConfigError(f"{where}.like: {name!r} is a row of the catalog itself")
        # The row has its own address and no suffix, so that both rows stand side by side.
        row = CATALOG[table.like]
        row = replace(row, name=name, base_url_variable=None, suffix=None, facts=row.name)
        return _catalog_row(row, table)
    if name in CATALOG:
        return _catalog_row(CATALOG[name], table)
    for key in ("dialect", "base_url"):
        if getattr(table, key) is None:
            raise ConfigError(
                f"{where}.{key}: is missing; a provider that is not one of"
                f" {one_of(CATALOG)} needs it"
            )
    dialect = str(table.dialect)
    return Provider(
        name,
        dialect,
        str(table.base_url),
        key_headers=key_headers_of(dialect),
        timeouts=limits_of(dialect),
    )


def _catalog_row(row: Provider, table: ProviderTable) -> Provider:
    """Make the row that a table of a catalog row's name changes.

    The table may be older than the row. So one that defines a whole provider, with a dialect and a
    base URL, keeps its meaning: the provider needs a key only if the table names its variable.
    """
    if table.dialect is None:
        return row
    if table.base_url is not None:
        row = replace(row, key_variable=None)
    if table.dialect == row.dialect:
        return row
    replacement = Provider(row.name, table.dialect, row.base_url, timeouts=limits_of(table.dialect))
    return replace(
        replacement,
        key_headers=key_headers_of(table.dialect),
        base_url_variable=row.base_url_variable,
        key_variable=row.key_variable,
        suffix=row.suffix,
        stripped_endings=row.stripped_endings,
    )


def _embeddings(row: Provider, table: ProviderTable, where: str) -> EmbeddingsApi | bool:
    """Return the API for embeddings that a table sets."""
    if table.embeddings is False:
        return False
    if not isinstance(table.embeddings, EmbeddingsTable):  # True, or nothing
        return row.embeddings or table.embeddings is True
    values = _with_tuples(table.embeddings.model_dump(exclude_none=True))
    api = row.embeddings_api or embeddings_of(row.dialect)
    if api is None and "dialect" not in values:
        raise ConfigError(f"{where}.embeddings.dialect: is missing; {row.name!r} has none")
    return replace(api or EmbeddingsApi(None), **values)


def _check_ollama(row: Provider, table: ProviderTable, where: str) -> None:
    """Refuse keys of Ollama's dialect for a provider of another dialect."""
    if table.endpoint is not None and row.dialect != "ollama":
        raise ConfigError(f"{where}.endpoint: only a provider of Ollama's dialect has one")
    for key in ("options", "keep_alive"):
        if getattr(table, key) is not None and "ollama" not in _dialects_of(row, table):
            raise ConfigError(f"{where}.{key}: only a provider of Ollama's dialect has it")


def _by_model(table: ProviderTable) -> dict[str, Any]:
    """Return the keys whose values differ by model, in the form of a row."""
    drops = {pattern: tuple(names) for pattern, names in (table.model_drops or {}).items()}
    tables = {
        "model_dialects": table.model_dialects,
        "model_drops": None if table.model_drops is None else drops,
        "options": table.options,
    }
    return {key: tuple(found.items()) for key, found in tables.items() if found is not None}


def _dialects_of(row: Provider, table: ProviderTable) -> set[str]:
    """Return the dialects that the changed row can speak."""
    models = row.model_dialects if table.model_dialects is None else table.model_dialects.items()
    own = row.own_dialects if table.own_dialects is None else table.own_dialects
    return {row.dialect, *own, *(dialect for _, dialect in models)}


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with tuples in place of lists, as the fields of a row are."""
    return {
        key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
    }


def _changed(row: Provider, table: ProviderTable, where: str) -> Provider:
    """Return the row with the values of its table."""
    _check_ollama(row, table, where)
    changes = _with_tuples(table.model_dump(exclude_none=True, exclude=_OTHER_KEYS))
    changes |= _objects(row, table)
    changes["embeddings"] = _embeddings(row, table, where)
    changes |= _by_model(table)
    if table.enabled is False:
        changes["excluded"] = "it is switched off in chatd.toml"
    if table.plan is not None:
        if table.plan not in row.plans:
            plans = one_of(row.plans) if row.plans else "none"
            raise ConfigError(
                f"{where}.plan: there is no plan {quoted(table.plan)}; there are {plans}"
            )
        dialects = row.plan_dialects.get(table.plan, row.model_dialects)
        plan = {"base_url": row.plans[table.plan], "plan": table.plan, "model_dialects": dialects}
        changes = {**plan, **changes}
    return replace(row, timeouts=table.timeouts.over(row.timeouts), **changes)


def _objects(row: Provider, table: ProviderTable) -> dict[str, Any]:
    """Return the values of a table that are objects of the row."""
    found: dict[str, Any] = {}
    if table.aws is not None:
        found["aws"] = replace(row.aws or AwsAccess(), **table.aws.model_dump(exclude_none=True))
    if table.guardrail is not None:
        found["guardrail"] = Guardrail(**table.guardrail.model_dump())
    if table.models is not None:
        # Costs a start only where chatd.toml has such a table.
        from chatd.config.model_facts import ModelFacts  # noqa: PLC0415  # see above

        models = {name: ModelFacts(**one.model_dump()) for name, one in table.models.items()}
        ids = table.model_ids or row.model_ids
        found["models"] = {**models, **{ids[name]: models[name] for name in models if name in ids}}
    return found
