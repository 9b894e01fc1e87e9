"""Read the settings of a deployment from chatd.toml and the environment.

Keys are not settings: credentials/provider_keys.py looks up a key when a chat needs it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from chatd.config import cors_origins as origins
from chatd.config.config_error import MOST_SHOWN, ConfigError, quoted
from chatd.config.provider import Provider
from chatd.config.provider_rows import provider_rows
from chatd.config.schema import ConfigFile, TierModel
from chatd.config.tables import TimeoutsTable
from chatd.errors import one_of

__all__ = ["ConfigError", "Settings", "Tier", "load"]

_HERE = Path(__file__).resolve()


@dataclass(frozen=True, slots=True, eq=False)
class Tier:
    """A fallback chain of models under one name, with its own limits.

    `same_model` states that all of its models are one, under different names of its hosts.
    """

    models: tuple[TierModel, ...]
    timeouts: TimeoutsTable
    same_model: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """The settings of a deployment.

    Attributes:
        providers: Every known row by name, switched off or on.
        default_provider: The provider of a model name without prefix, suffix or tier; None: the
            first registered provider.
        tiers: The tiers by name.
        secret_id: The Secrets Manager secret with the providers' keys, if there is one.
        circuits_table: The DynamoDB table that shares the circuits, if there is one.
        http_seconds: Seconds after which API Gateway cuts a chat over HTTP; None: no limit.
        http_whole_seconds: The same for a response that is not streamed, if that is less.
        metrics_namespace: The CloudWatch namespace of this stack's metrics.
        drop_params: Whether a field that a provider cannot honour is dropped instead of refused.
        allow_http_images: Whether an image may have an http: URL.
        idempotency_table: The DynamoDB table of answers by their keys, if there is one.
        idempotency_file: The file that replaces it under `make run`.
        responses_table: The DynamoDB table of stored responses, if there is one.
        responses_file: The file that replaces it under `make run`.
        responses_days: Days until a stored response expires.
        cors_origins: The browser origins that may call, as parsed by cors_origins.py.

    """

    providers: Mapping[str, Provider]
    default_provider: str | None
    tiers: Mapping[str, Tier]
    secret_id: str | None = None
    circuits_table: str | None = None
    http_seconds: float | None = None
    http_whole_seconds: float | None = None
    metrics_namespace: str = "chatd"
    drop_params: bool = False
    allow_http_images: bool = False
    idempotency_table: str | None = None
    idempotency_file: str | None = None
    responses_table: str | None = None
    responses_file: str | None = None
    responses_days: int = 30
    cors_origins: tuple[str, ...] = ()


def load(environ: Mapping[str, str], dialects: Collection[str]) -> Settings:
    """Read chatd.toml and the environment.

    Args:
        environ: The environment; an empty value counts as unset.
        dialects: The names of the dialects that a provider may have.

    Raises:
        ConfigError: With one line that names the key at fault.

    """
    env = {name: value for name, value in environ.items() if value}
    path = _config_path(env)
    config = _parsed(path)
    where = path.name if path else "chatd.toml"
    providers = provider_rows(config, env, dialects, where)
    return Settings(
        providers=providers,
        default_provider=_default_provider(config, env, providers, where),
        tiers=_tiers(config, providers, where),
        secret_id=env.get("CHATD_SECRET_ID"),
        circuits_table=env.get("CHATD_CIRCUITS_TABLE"),
        http_seconds=_seconds(env, "CHATD_HTTP_SECONDS"),
        http_whole_seconds=_seconds(env, "CHATD_HTTP_WHOLE_SECONDS"),
        metrics_namespace=env.get("CHATD_METRICS_NAMESPACE", "chatd"),
        drop_params=config.drop_params,
        allow_http_images=config.allow_http_images,
        idempotency_table=env.get("CHATD_IDEMPOTENCY_TABLE"),
        idempotency_file=env.get("CHATD_IDEMPOTENCY_FILE"),
        responses_table=env.get("CHATD_RESPONSES_TABLE"),
        responses_file=env.get("CHATD_RESPONSES_FILE"),
        responses_days=_days(env, "CHATD_RESPONSES_DAYS"),
        cors_origins=_origins(env),
    )


def _config_path(env: Mapping[str, str]) -> Path | None:
    if "CHATD_CONFIG" in env:
        return Path(env["CHATD_CONFIG"])
    # Beside the code in a build, one folder up in a checkout.
    places = (_HERE.parents[2] / "chatd.toml", _HERE.parents[3] / "chatd.toml")
    return next((place for place in places if place.is_file()), None)


def _parsed(path: Path | None) -> ConfigFile:
    if path is None:
        return ConfigFile()
    try:
        return ConfigFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: is not TOML: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{path.name}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    parts = [part if len(part) <= MOST_SHOWN else "…" for part in map(str, problem["loc"])]
    if problem["type"] == "extra_forbidden":
        return f"{'.'.join(parts)}: there is no such key (docs/configuration.md lists them)"
    if parts[-1:] == ["[key]"]:
        return f"{'.'.join(parts[:-1])}: is not a name of a-z, 0-9 and _ that begins with a letter"
    return f"{'.'.join(parts)}: {problem['msg'].removeprefix('Value error, ')}"


def _default_provider(
    config: ConfigFile, env: Mapping[str, str], providers: Mapping[str, Provider], where: str
) -> str | None:
    """Read the configured default provider, if there is one."""
    name = env.get("CHATD_DEFAULT_PROVIDER") or config.default_provider
    if name is None:
        return None
    origin = "CHATD_DEFAULT_PROVIDER" if "CHATD_DEFAULT_PROVIDER" in env else where
    if name not in providers:
        raise ConfigError(
            f"{origin}: default_provider: {quoted(name)} is not a provider;"
            f" there are {one_of(providers)}"
        )
    table = config.providers.get(name)
    if table is not None and table.enabled is False:
        raise ConfigError(f"{origin}: default_provider: {name!r} is switched off")
    return name


def _tiers(config: ConfigFile, providers: Mapping[str, Provider], where: str) -> dict[str, Tier]:
    for name, tier in config.tiers.items():
        for position, model in enumerate(entry.model for entry in tier.models):
            key = f"{where}: tiers.{name}.models.{position}"
            if model in config.tiers:
                raise ConfigError(f"{key}: {model!r} is a tier; name its models instead")
            if model.removesuffix("/") in providers and model.endswith("/"):
                raise ConfigError(f"{key}: {model!r} names no model after its prefix")
    return {
        name: Tier(tuple(tier.models), tier.timeouts, tier.same_model)
        for name, tier in config.tiers.items()
    }


def _origins(env: Mapping[str, str]) -> tuple[str, ...]:
    try:
        return origins.parsed(env.get("CHATD_CORS_ORIGINS", ""))
    except ValueError as error:
        raise ConfigError(f"CHATD_CORS_ORIGINS: {error}") from None


def _seconds(env: Mapping[str, str], variable: str) -> float | None:
    if variable not in env:
        return None
    try:
        seconds = float(env[variable])
    except ValueError:
        seconds = -1.0
    if not 0 < seconds <= 900:  # noqa: PLR2004  # Lambda's own limit
        raise ConfigError(f"{variable}: must be a number of seconds from 0 to 900")
    return seconds


def _days(env: Mapping[str, str], variable: str) -> int:
    # OpenAI keeps responses as long:
    # https://platform.openai.com/docs/guides/conversation-state
    text = env.get(variable, "30")
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 3650):  # noqa: PLR2004  # as in template.yaml
        raise ConfigError(f"{variable}: must be a whole number of days from 1 to 3650")
    return int(text)
