"""What `make run` takes from the command line and the environment.

It reads and checks; what the values mean is for those who are given them.
"""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chatd.config import cors_origins
from chatd.config.catalog import CATALOG

_ROOT = Path(__file__).resolve().parents[1]
_LAST_PORT = 65535

_EPILOG = """\
environment (an empty value counts as unset):
  HOST                 where to listen; 127.0.0.1
  PORT                 3220; 0 takes any free one
  CHATD_WORKERS        requests served at once by each function; 8
  CHATD_CALLER_KEYS    keys that callers must send, comma-separated; needed for any other
                       HOST than this machine's own loopback
  CHATD_CORS_ORIGINS   origins of web pages and desktop apps that may call, comma-separated;
                       * (any page) and null (pages opened from files) need CHATD_CALLER_KEYS
  CHATD_CONFIG         another chatd.toml
  CHATD_DEFAULT_PROVIDER
                       where a model without a prefix goes; chatd.toml's, else ollama
  OLLAMA_URL           http://localhost:11434, or a demo if nothing answers there
{addresses}
                       other addresses of the providers
{keys}
                       the providers' keys
  CHATD_SECRET_ID      a secret in AWS Secrets Manager that holds them
  CHATD_IDEMPOTENCY_TABLE
                       a DynamoDB table for answers by their Idempotency-Key; a file of this
                       run's own

The handlers get this process's environment; what template.yaml declares for a function is not
used here.
"""


def _help() -> str:
    """Write the environment variables, the catalog's among them."""
    rows = CATALOG.values()
    addresses = {row.base_url_variable for row in rows} - {None, "OLLAMA_URL"}
    keys = {row.key_variable for row in rows} - {None}
    return _EPILOG.format(addresses=_listed(addresses), keys=_listed(keys))


def _listed(names: Iterable[str | None]) -> str:
    text = ", ".join(sorted(map(str, names)))
    return textwrap.fill(text, 96, initial_indent="  ", subsequent_indent="  ")


class StartError(Exception):
    """Why the gateway cannot start, and what to do, as one line."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to serve. `caller_keys` is empty where none is asked for."""

    host: str
    port: int
    workers: int
    caller_keys: tuple[str, ...]
    template: Path
    code: Path


def parse_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """The options, from the command line's arguments and the environment.

    Raises:
        StartError: With one line that names the variable at fault.

    """
    parser = argparse.ArgumentParser(
        prog="python -m local",
        description="Serve the gateway on this machine, with the handlers of the stack.",
        epilog=_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--template", type=Path, default=_ROOT / "template.yaml", metavar="FILE")
    parser.add_argument("--code", type=Path, default=_ROOT / "functions", metavar="FOLDER")
    parsed = parser.parse_args(arguments)
    env = {name: value for name, value in environ.items() if value}
    keys = _caller_keys(env)
    if not keys:
        _refuse_open_origins(env)
    return Options(
        host=env.get("HOST", "127.0.0.1"),
        port=_integer(env, "PORT", default=3220, least=0, most=_LAST_PORT),
        workers=_integer(env, "CHATD_WORKERS", default=8, least=1, most=256),
        caller_keys=keys,
        template=parsed.template,
        code=parsed.code.resolve(),
    )


def _integer(env: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    text = env.get(name, str(default))
    if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
        raise StartError(f"{name}={text!r}: must be a whole number from {least} to {most}")
    return int(text)


def _caller_keys(env: Mapping[str, str]) -> tuple[str, ...]:
    if "CHATD_CALLER_KEYS" not in env:
        return ()
    keys = tuple(key.strip() for key in env["CHATD_CALLER_KEYS"].split(",") if key.strip())
    if not keys:
        raise StartError("CHATD_CALLER_KEYS: holds no key; unset it, or list keys in it")
    return keys


def _refuse_open_origins(env: Mapping[str, str]) -> None:
    """Refuse a list of origins under which any web page could spend the providers' keys."""
    try:
        listed = cors_origins.parsed(env.get("CHATD_CORS_ORIGINS", ""))
    except ValueError as error:
        raise StartError(f"CHATD_CORS_ORIGINS: {error}") from None
    if cors_origins.lets_in_every_page(listed):
        raise StartError(
            "CHATD_CORS_ORIGINS: * and null let any web page that this machine's browser shows"
            " spend the providers' keys; list the origins that may call, or list keys that callers"
            " must send in CHATD_CALLER_KEYS"
        )
