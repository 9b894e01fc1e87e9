"""Make, list and revoke callers' keys: `make caller-key`, `caller-keys`, `revoke-caller-key`.

A key is shown once, when it is made; what is kept is its keyed hash.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence

from chatd.callers import Callers, CallersError, new_key
from deploy import configuration
from deploy.aws_account import Content, JsonSecret, secret_of
from deploy.errors import CommandError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_WITHIN = "Functions that run already see it within a minute."


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say; the exit status."""
    options = _parser().parse_args(arguments)
    act: Callable[[JsonSecret, argparse.Namespace], None] = options.act
    try:
        deployment = configuration.load(configuration.chosen(options))
        act(secret_of(deployment, "CallersSecretArn", options.secret_id), options)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def add(secret: JsonSecret, options: argparse.Namespace) -> None:
    """Make a key, keep its hash, and print it: the key alone on standard output."""
    name = _valid(options.name)
    key = new_key()

    def added(content: Content) -> Content:
        callers = _callers(secret, content)
        if name in callers.digests and not options.rotate:
            raise CommandError(
                f"{name!r} has a key already; ROTATE=1 replaces it, and the old one stops working"
            )
        return {**content, "callers": {**callers.digests, name: callers.digest(key)}}

    secret.update(added)
    print(key)
    sys.stderr.write(f"This is the only time that {name}'s key is shown. {_WITHIN}\n")


def names(secret: JsonSecret, _options: argparse.Namespace) -> None:
    """Print the callers' names, one a line."""
    callers = _callers(secret, secret.read())
    for name in sorted(callers.digests):
        print(name)
    if not callers.digests:
        sys.stderr.write("Nobody may call yet; make caller-key NAME=… makes a key.\n")


def revoke(secret: JsonSecret, options: argparse.Namespace) -> None:
    """Take a caller's hash out."""

    def without(content: Content) -> Content:
        digests = _callers(secret, content).digests
        if options.name not in digests:
            raise CommandError(f"there is no caller {options.name!r}; make caller-keys lists them")
        rest = {name: digest for name, digest in digests.items() if name != options.name}
        return {**content, "callers": rest}

    secret.update(without)
    sys.stderr.write(f"{options.name}'s key is revoked. {_WITHIN}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition(".")[0] + ".")
    configuration.add_choices(parser)
    parser.add_argument("--secret-id", help="another secret, by its name or ARN")
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("add", help=add.__doc__)
    making.add_argument("name")
    making.add_argument("--rotate", action="store_true", help="replace the caller's key")
    making.set_defaults(act=add)
    commands.add_parser("list", help=names.__doc__).set_defaults(act=names)
    revoking = commands.add_parser("revoke", help=revoke.__doc__)
    revoking.add_argument("name")
    revoking.set_defaults(act=revoke)
    return parser


def _valid(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"NAME={name}: a caller's name is up to 64 of A-Z a-z 0-9 . _ @ -"
            " and begins with a letter or digit"
        )
    return name


def _callers(secret: JsonSecret, content: Content) -> Callers:
    try:
        return Callers.of_secret(json.dumps(content))
    except CallersError as error:
        raise CommandError(f"{secret.secret_id!r} is not a callers' secret: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
