"""Write the providers' keys from standard input into the stack's secret: `make keys`.

Names are shown, values never.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence

from chatd.settings import ConfigError, load
from deploy import configuration
from deploy.aws_account import secret_of
from deploy.errors import CommandError

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
_HELP = """\
Standard input holds NAME=value lines, or one JSON object of names to values; an empty value
deletes the key. On a terminal each key is asked for, unseen. Names are those of chatd.toml's
providers. Keys that are not named stay as they are.

  make keys < keys.env
  echo '{"OPENROUTER_API_KEY": "sk-…"}' | make keys STACK=chatd-dev
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit status."""
    parser = argparse.ArgumentParser(
        prog="make keys",
        description=__doc__.partition(".")[0] + ".",
        epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configuration.add_choices(parser)
    parser.add_argument("--secret-id", help="another secret, by its name or ARN")
    options = parser.parse_args(arguments)
    try:
        known = known_names(os.environ)
        keys = _asked(known) if sys.stdin.isatty() else parsed(sys.stdin.read())
        check(keys, known)
        deployment = configuration.load(configuration.chosen(options))
        secret = secret_of(deployment, "ProviderSecretArn", options.secret_id)
        before, after = secret.update(lambda content: merged(content, keys))
    except (CommandError, ConfigError) as error:
        sys.stderr.write(f"make keys: {error}\n")
        return 1
    for name in sorted(keys):
        print(f"{name}: {_outcome(name, before, after)}")
    print(f"The secret holds: {', '.join(sorted(after)) or 'no key'}.")
    print("Functions that run already see it within five minutes.")
    return 0


def known_names(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The names that providers of this deployment look their keys up by."""
    rows = load(environ).providers.values()
    return tuple(sorted({row.key_variable for row in rows if row.key_variable}))


def parsed(text: str) -> dict[str, str]:
    """The keys in `text`: NAME=value lines (a .env file) or a JSON object.

    Raises:
        CommandError: With a line's number or a name, never with what stands there.

    """
    if not text.strip():
        raise CommandError("standard input is empty; it takes NAME=value lines or a JSON object")
    return _from_json(text) if text.lstrip().startswith("{") else _from_lines(text.splitlines())


def check(keys: Mapping[str, str], known: Iterable[str]) -> None:
    """See that every key has a known name and could travel in a header.

    Raises:
        CommandError: With the name at fault.

    """
    unknown = sorted(set(keys) - set(known))
    if unknown:
        raise CommandError(
            f"no provider looks for {', '.join(map(repr, unknown))}; known: {', '.join(known)}"
        )
    for name, value in keys.items():
        if not (value.isascii() and value.isprintable()):
            raise CommandError(f"the value of {name} holds characters that no key has")


def merged(before: Mapping[str, object], keys: Mapping[str, str]) -> dict[str, object]:
    """The secret's new content: an empty value deletes."""
    after = {**before, **keys}
    return {name: value for name, value in after.items() if value != ""}


def _from_json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except ValueError:
        raise CommandError("standard input begins like JSON and is not") from None
    if not all(_NAME.fullmatch(name) for name in value):
        raise CommandError("a name in the JSON object is not one of A-Z, 0-9 and _")
    wrong = [name for name, key in value.items() if not isinstance(key, str)]
    if wrong:
        raise CommandError(f"the value of {wrong[0]!r} is not a text")
    return {name: key.strip() for name, key in value.items()}


def _from_lines(lines: Sequence[str]) -> dict[str, str]:
    keys = {}
    for number, line in enumerate(lines, start=1):
        stripped = line.strip().removeprefix("export ")
        if not stripped or stripped.startswith("#"):
            continue
        name, equals, value = stripped.partition("=")
        # A key in base64 may end in "=": what is no name is not shown.
        if not equals or not _NAME.fullmatch(name.strip()):
            raise CommandError(f"line {number} is not NAME=value")
        keys[name.strip()] = _unquoted(value.strip())
    return keys


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _asked(known: Iterable[str]) -> dict[str, str]:
    """Ask for each key on the terminal, without showing what is typed."""
    sys.stderr.write("Type or paste each key; Enter leaves it as it is, a single - deletes it.\n")
    answers = {name: getpass.getpass(f"  {name}: ").strip() for name in known}
    return {name: "" if key == "-" else key for name, key in answers.items() if key}


def _outcome(name: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    if name not in after:
        return "deleted" if name in before else "there was none"
    if name not in before:
        return "added"
    return "as it was" if before[name] == after[name] else "replaced"


if __name__ == "__main__":
    sys.exit(main())
