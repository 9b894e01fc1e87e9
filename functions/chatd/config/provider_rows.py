"""Apply chatd.toml's provider tables and the environment to the rows of the catalog."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from chatd.config.addresses import checked_url, completed, is_loopback
from chatd.config.aws_rows import on_aws
from chatd.config.catalog import CATALOG
from chatd.config.config_error import ConfigError
from chatd.config.guardrail_rows import guarded
from chatd.config.provider import Provider
from chatd.config.schema import ConfigFile


def provider_rows(
    config: ConfigFile, env: Mapping[str, str], dialects: Collection[str], where: str
) -> dict[str, Provider]:
    """Make the rows of this deployment.

    Args:
        config: The parsed chatd.toml.
        env: The environment, without empty values.
        dialects: The names of the known dialects.
        where: The file's name, for messages.

    Raises:
        ConfigError: With one line that names the key or the variable at fault.

    """
    rows = dict(CATALOG)
    if config.providers:
        # Loaded with the schema of such a table, 12 ms of other starts.
        from chatd.config.changed_rows import changed_row  # noqa: PLC0415  # see above

        for name, table in config.providers.items():
            rows[name] = changed_row(name, table, dialects, f"{where}: providers.{name}")
    rows = {name: _addressed(row, env) for name, row in rows.items()}
    for name, row in rows.items():
        if row.aws is not None:
            rows[name] = on_aws(row, env, named=name in config.providers)
        if row.guardrail is not None:
            rows[name] = guarded(rows[name], env)
    if "AWS_LAMBDA_FUNCTION_NAME" in env and env.get("AWS_SAM_LOCAL") != "true":
        return {name: _reachable(row) for name, row in rows.items()}
    return rows


def _addressed(row: Provider, env: Mapping[str, str]) -> Provider:
    """Give a row its address of the environment; exclude a row that has none anywhere."""
    url, variable = row.base_url, row.base_url_variable
    if variable and variable in env:
        try:
            url = checked_url(env[variable])
        except ValueError as error:
            raise ConfigError(f"{variable}: {error}") from None
    if not url:
        places = [*([variable] if variable else []), f"base_url of [providers.{row.name}]"]
        reason = f"it has no address; set {' or '.join(places)}"
        return replace(row, excluded=row.excluded or reason)
    if row.base_path:
        url = completed(url, row.base_path)
    return row if url == row.base_url else replace(row, base_url=url)


def _reachable(row: Provider) -> Provider:
    """Exclude a row with a loopback address: on Lambda that is the function itself."""
    if row.excluded is not None or not is_loopback(row.base_url):
        return row
    remedy = f"set {row.base_url_variable or 'its base_url'} to where it really is"
    return replace(row, excluded=f"{row.base_url} is the function itself on Lambda; {remedy}")
