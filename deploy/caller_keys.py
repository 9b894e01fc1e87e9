"""Create, list and revoke callers' keys: `make caller-key`, `caller-keys`, `revoke-caller-key`.

A key is shown once, when it is created; the secret keeps its keyed hash only.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence

from chatd.access.caller_keys import Callers, CallersError, new_key
from deploy import configuration
from deploy.aws_account import Content, JsonSecret, find_secret
from deploy.errors import CommandError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_EFFECTIVE = "Running functions use the change within a minute."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the subcommand and return the exit status."""
    options = _parser().parse_args(arguments)
    command: Callable[[JsonSecret, argparse.Namespace], None] = options.command
    try:
        deployment = configuration.load(configuration.choices_from(options))
        command(find_secret(deployment, "CallersSecretArn", options.secret_id), options)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def add_key(secret: JsonSecret, options: argparse.Namespace) -> None:
    """Create a caller's key, store the hash, and print only the key on standard output."""
    name = _check_name(options.name)
    key = new_key()

    def with_key(content: Content) -> Content:
        callers = _callers(secret, content)
        if name in callers.digests and not options.rotate:
            raise CommandError(
                f"{name!r} already has a key; ROTATE=1 replaces it, and the old key stops working"
            )
        return {**content, "callers": {**callers.digests, name: callers.digest(key)}}

    secret.update(with_key)
    print(key)
    sys.stderr.write(f"{name}'s key is shown only this once. {_EFFECTIVE}\n")


def list_names(secret: JsonSecret, _options: argparse.Namespace) -> None:
    """Print the callers' names, one per line."""
    callers = _callers(secret, secret.read())
    for name in sorted(callers.digests):
        print(name)
    if not callers.digests:
        sys.stderr.write("There are no callers; make caller-key NAME=… creates a key.\n")


def revoke_key(secret: JsonSecret, options: argparse.Namespace) -> None:
    """Delete the hash of a caller's key."""

    def without_key(content: Content) -> Content:
        digests = _callers(secret, content).digests
        if options.name not in digests:
            raise CommandError(
                f"there is no caller {options.name!r}; make caller-keys lists the callers"
            )
        rest = {name: digest for name, digest in digests.items() if name != options.name}
        return {**content, "callers": rest}

    secret.update(without_key)
    sys.stderr.write(f"{options.name}'s key is revoked. {_EFFECTIVE}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition(".")[0] + ".")
    configuration.add_choice_options(parser)
    parser.add_argument("--secret-id", help="the secret's name or ARN (default: the stack's)")
    commands = parser.add_subparsers(required=True)
    add_parser = commands.add_parser("add", help=add_key.__doc__)
    add_parser.add_argument("name")
    add_parser.add_argument("--rotate", action="store_true", help="replace the caller's key")
    add_parser.set_defaults(command=add_key)
    commands.add_parser("list", help=list_names.__doc__).set_defaults(command=list_names)
    revoke_parser = commands.add_parser("revoke", help=revoke_key.__doc__)
    revoke_parser.add_argument("name")
    revoke_parser.set_defaults(command=revoke_key)
    return parser


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"NAME={name}: a caller's name has at most 64 characters of A-Z a-z 0-9 . _ @ -"
            " and begins with a letter or digit"
        )
    return name


def _callers(secret: JsonSecret, content: Content) -> Callers:
    try:
        return Callers.of_secret(json.dumps(content))
    except CallersError as error:
        raise CommandError(
            f"{secret.secret_id!r} is not a secret of callers' keys: {error}"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
