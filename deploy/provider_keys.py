"""Write the providers' keys from standard input into the stack's secret: `make keys`.

The output shows the names of keys, never their values.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from chatd.config.settings import ConfigError, load
from chatd.dialects import DIALECTS
from deploy import configuration
from deploy.aws_account import find_secret
from deploy.errors import CommandError

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_HELP = """\
Standard input holds NAME=value lines, or one JSON object of names and values. An empty value
deletes the key. On a terminal the command prompts for each key without echo. Valid names are the
key variables of chatd.toml's providers. Keys without a name in the input stay unchanged.

  make keys < keys.env
  echo '{"OPENROUTER_API_KEY": "sk-…"}' | make keys STACK=chatd-dev
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Update the secret and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="make keys",
        description=__doc__.partition(".")[0] + ".",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_choice_options(parser)
    parser.add_argument("--secret-id", help="the secret's name or ARN (default: the stack's)")
    options = parser.parse_args(arguments)
    try:
        known = known_names(os.environ)
        keys = _prompt(known) if sys.stdin.isatty() else parse(sys.stdin.read())
        check_keys(keys, known)
        deployment = configuration.load(configuration.choices_from(options))
        secret = find_secret(deployment, "ProviderSecretArn", options.secret_id)
        before, after = secret.update(lambda content: merge(content, keys))
    except (CommandError, ConfigError) as error:
        sys.stderr.write(f"make keys: {error}\n")
        return 1
    for name in sorted(keys):
        print(f"{name}: {_outcome(name, before, after)}")
    print(f"The secret holds: {', '.join(sorted(after)) or 'no key'}.")
    print("Running functions use the change within five minutes.")
    return 0


def known_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """List the key variables of the providers of this deployment."""
    rows = load(environ, DIALECTS).providers.values()
    return tuple(sorted({row.key_variable for row in rows if row.key_variable}))


def parse(text: str) -> dict[str, str]:
    """Parse keys from NAME=value lines (a .env file) or a JSON object.

    Raises:
        CommandError: With the line number or the name, never with the value.

    """
    if not text.strip():
        raise CommandError("standard input is empty; expected NAME=value lines or a JSON object")
    return _from_json(text) if text.lstrip().startswith("{") else _from_lines(text.splitlines())


def check_keys(keys: Mapping[str, str], known: Iterable[str]) -> None:
    """Check every key for a known name and for characters valid in an HTTP header.

    Raises:
        CommandError: With the invalid name.

    """
    unknown = sorted(set(keys) - set(known))
    if unknown:
        raise CommandError(
            f"no provider uses {', '.join(map(repr, unknown))}; known names: {', '.join(known)}"
        )
    for name, value in keys.items():
        if not (value.isascii() and value.isprintable()):
            raise CommandError(f"the value of {name} has characters that a key cannot have")


def merge(before: Mapping[str, object], keys: Mapping[str, str]) -> dict[str, object]:
    """Merge keys into the secret's content; an empty value deletes the key."""
    after = {**before, **keys}
    return {name: value for name, value in after.items() if value != ""}


def _from_json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        raise CommandError("standard input begins with { and is not valid JSON") from None
    if not all(_NAME.fullmatch(name) for name in value):
        raise CommandError("a name in the JSON object has characters other than A-Z, 0-9 and _")
    wrong = [name for name, key in value.items() if not isinstance(key, str)]
    if wrong:
        raise CommandError(f"the value of {wrong[0]!r} is not a string")
    return {name: key.strip() for name, key in value.items()}


def _from_lines(lines: Sequence[str]) -> dict[str, str]:
    keys = {}
    for number, line in enumerate(lines, start=1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        # A base64 key may end in "=", so text that is not a valid name is not shown.
        if not equals or not _NAME.fullmatch(name.strip()):
            raise CommandError(f"line {number} is not NAME=value")
        keys[name.strip()] = _unquoted(value.strip())
    return keys


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _prompt(known: Iterable[str]) -> dict[str, str]:
    """Prompt for each key on the terminal, without echo."""
    sys.stderr.write(
        "Type or paste each key. Enter keeps the current value; a single - deletes it.\n"
    )
    answers = {name: getpass.getpass(f"  {name}: ").strip() for name in known}
    return {name: "" if key == "-" else key for name, key in answers.items() if key}


def _outcome(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    if name not in after:
        return "deleted" if name in before else "not set"
    if name not in before:
        return "added"
    return "unchanged" if before[name] == after[name] else "replaced"


if __name__ == "__main__":
    sys.exit(main())
