"""Print a gateway's providers, and the variables that unlock the others: `make providers`."""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chatd.config.provider import Provider
from chatd.config.settings import ConfigError, Settings, load
from chatd.credentials.provider_keys import Credentials
from chatd.credentials.secrets_manager import JsonSecret, SecretsManager
from chatd.dialects import DIALECTS
from chatd.discovery.provider_list import provider_list
from deploy import configuration
from deploy.acceptance_gate import CheckFailed, Client
from deploy.errors import CommandError
from deploy.smoke import base_url, signer

_WIDTH = 80  # characters of a line; a longer link is not broken
_UNLOCKING = (
    "Set the variable in the environment or in .env. On a stack, make keys writes a",
    "key, and chatd.toml has the address.",
)
_HELP = """\
Without options: the gateway that `make run` would start here, with its chatd.toml, environment and
.env. With URL=… or STACK=…: a deployed gateway, by its list of providers; KEY=… is the caller's
key, SIGN=1 signs the request. The other providers are those of this checkout's catalog.

  make providers
  KEY=chatd-… make providers STACK=chatd-dev
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A provider that the gateway lacks.

    Attributes:
        row: Its row.
        remedy: The variables to set, or the reason why the gateway lacks it.

    """

    row: Provider
    remedy: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Print both tables and return the exit status."""
    options = _options(arguments)
    try:
        if options.url or options.stack or options.sign:
            place, listed, settings = _deployed(options)
        else:
            place, listed, settings = _here(os.environ)
    except (CommandError, CheckFailed, ConfigError) as error:
        sys.stderr.write(f"make providers: {error}\n")
        return 1
    known = {entry["name"] for entry in listed["providers"]}
    locked = [
        Locked(row, remedy(row)) for row in settings.providers.values() if row.name not in known
    ]
    print(overview(place, listed, locked))
    return 0


def remedy(row: Provider) -> str:
    """Return the variables that register a row without a key or an address, else the reason."""
    address = row.base_url_variable if not row.base_url or row.key_variable is None else None
    if row.excluded is not None and (row.base_url or address is None):
        return row.excluded
    key = None if row.key_optional else row.key_variable
    return " and ".join(name for name in (address, key) if name)


def overview(place: str, listed: Mapping[str, Any], locked: Sequence[Locked]) -> str:
    """Write the tables of the registered and of the other providers, 80 columns wide.

    Args:
        place: The gateway, for the headline.
        listed: The body of `GET /v1/chat/providers`.
        locked: The other providers.

    """
    entries: list[Mapping[str, Any]] = listed["providers"]
    rows = [(str(entry["name"]), str(entry["dialect"]), _state(entry, listed)) for entry in entries]
    rest = [(one.row.name, one.row.dialect, one.remedy) for one in locked]
    widths = [max(map(len, column), default=0) for column in zip(*rows, *rest, strict=True)]
    links = {one.row.name: one.row.source for one in locked}
    available = sum(entry.get("available") is True for entry in entries)
    lines = [f"{place}: {available} of {len(rows) + len(rest)} providers are available", ""]
    lines += _table(("PROVIDER", "DIALECT", "STATE"), rows, widths, {})
    if rest:
        lines += ["", *_UNLOCKING, ""]
        lines += _table(("PROVIDER", "DIALECT", "UNLOCKED BY"), rest, widths, links)
    return "\n".join(lines)


def _table(
    heads: tuple[str, str, str],
    rows: Iterable[tuple[str, str, str]],
    widths: Sequence[int],
    links: Mapping[str, str | None],
) -> list[str]:
    """Align rows of three columns; break the last at the line's end, with a link below."""
    first, second = (
        max(width, len(head)) for width, head in zip(widths[:2], heads[:2], strict=True)
    )
    margin = " " * (first + second + 4)
    lines = []
    for name, dialect, last in (heads, *rows):
        start = f"{name:<{first}}  {dialect:<{second}}  "
        filled = textwrap.fill(
            last, _WIDTH, initial_indent=start, subsequent_indent=margin, break_on_hyphens=False
        )
        lines += [filled.rstrip()]
        if link := links.get(name):
            lines += [f"  {link}"]
    return lines


def _state(entry: Mapping[str, Any], listed: Mapping[str, Any]) -> str:
    default = ", the default" if entry["name"] == listed.get("default") else ""
    if entry.get("available") is True:
        return f"available{default}"
    return f"not available{default}: {entry.get('reason')}"


def _here(environ: Mapping[str, str]) -> tuple[str, Mapping[str, Any], Settings]:
    """List the providers that `make run` would register here."""
    settings = load(environ, DIALECTS)
    secret_id = settings.secret_id
    secret = JsonSecret(secret_id, SecretsManager(environ).fetch) if secret_id else None
    # The table shows a failed look-up as the provider's state.
    credentials = Credentials(environ, secret, lambda _sentence: None)
    return "make run", provider_list(settings, credentials), settings


def _deployed(options: argparse.Namespace) -> tuple[str, Mapping[str, Any], Settings]:
    """Fetch the list of a deployed gateway."""
    deployment = configuration.load(configuration.choices_from(options))
    client = Client(
        url=options.url or base_url(deployment),
        model="",
        # Not an argument, because the process list shows arguments.
        key=os.environ.get("KEY") or os.environ.get("CHATD_KEY"),
        sign=signer(deployment) if options.sign else None,
    )
    # The deployment has its own keys and addresses, and this checkout's chatd.toml.
    config = {"CHATD_CONFIG": os.environ.get("CHATD_CONFIG", "")}
    return client.url, client.provider_list(), load(config, DIALECTS)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make providers",
        description=__doc__.partition(".")[0] + ".",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_choice_options(parser)
    parser.add_argument("url", nargs="?", help="the URL before /v1/chat of a deployed gateway")
    parser.add_argument(
        "--sign", action="store_true", help="sign the request with your AWS credentials"
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
