"""Read and check the options of `make run`: command line and environment."""

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
  HOST                 the address to listen on; default 127.0.0.1
  PORT                 the port; default 3220; 0 takes any free port
  CHATD_WORKERS        requests that each function serves at once; default 8
  CHATD_CALLER_KEYS    keys that callers must send, comma-separated; required where HOST is not
                       a loopback address
  CHATD_CORS_ORIGINS   origins of web pages and desktop apps that may call, comma-separated;
                       * (any page) and null (pages opened from files) need CHATD_CALLER_KEYS
  CHATD_CONFIG         another chatd.toml
  CHATD_DEFAULT_PROVIDER
                       the provider of models without a prefix; default: chatd.toml's, else
                       ollama
  OLLAMA_URL           default http://localhost:11434, or a demo if nothing answers there
{addresses}
                       other addresses of the providers
{keys}
                       the providers' keys
  CHATD_SECRET_ID      a secret in AWS Secrets Manager that contains these keys
  CHATD_IDEMPOTENCY_TABLE
                       a DynamoDB table for answers by their Idempotency-Key; default: a file
                       of this run
  CHATD_RESPONSES_TABLE
                       a DynamoDB table for the stored responses of /v1/responses; default: a
                       file of this run

The handlers get this process's environment. Environment variables that template.yaml declares for
a function are not used.
"""


def _help() -> str:
    """Return the list of environment variables, with the catalog's variables."""
    rows = CATALOG.values()
    addresses = {row.base_url_variable for row in rows} - {None, "OLLAMA_URL"}
    keys = {row.key_variable for row in rows} - {None}
    return _EPILOG.format(addresses=_listed(addresses), keys=_listed(keys))


def _listed(names: Iterable[str | None]) -> str:
    text = ", ".join(sorted(map(str, names)))
    return textwrap.fill(text, 96, initial_indent="  ", subsequent_indent="  ")


class StartError(Exception):
    """The gateway cannot start; the message is one line with the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `make run`. Without `caller_keys`, callers need no key."""

    host: str
    port: int
    workers: int
    caller_keys: tuple[str, ...]
    template: Path
    code: Path


def parse_options(arguments: Sequence[str], environ: Mapping[str, str]) -> Options:
    """Parse the options from the command line's arguments and the environment.

    Raises:
        StartError: If a variable is invalid; the message names the variable.

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
        raise StartError("CHATD_CALLER_KEYS: contains no key; unset it, or list keys in it")
    return keys


def _refuse_open_origins(env: Mapping[str, str]) -> None:
    """Refuse a list of origins that allows any web page to call without a caller key."""
    try:
        listed = cors_origins.parsed(env.get("CHATD_CORS_ORIGINS", ""))
    except ValueError as error:
        raise StartError(f"CHATD_CORS_ORIGINS: {error}") from None
    if cors_origins.lets_in_every_page(listed):
        raise StartError(
            "CHATD_CORS_ORIGINS: * and null let any web page in this machine's browser use the"
            " providers' keys; list the origins that may call, or list the keys that callers must"
            " send in CHATD_CALLER_KEYS"
        )
