"""`make smoke`: check the six points of the gate at a running gateway, and print each result."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from deploy import configuration
from deploy.acceptance_gate import POINTS, CheckFailed, Client, Skipped
from deploy.errors import CommandError

_CANDIDATES = 3
_USUAL = "llama3.2"

__all__ = ["POINTS", "Client", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every point and print its result; 1 if one fails."""
    try:
        client = _client(arguments)
    except CommandError as error:
        sys.stderr.write(f"make smoke: {error}\n")
        return 1
    if not client.model:
        client = replace(client, model=answering_model(client))
        print(f"         the model is {client.model!r}; MODEL=… names another")
    failures = 0
    for name, point in POINTS:
        try:
            point(client)
        except (CheckFailed, CommandError) as failure:
            failures += 1
            print(f"FAIL     {name}\n         {failure}")
        except Skipped as reason:
            print(f"SKIPPED  {name}\n         {reason}")
        else:
            print(f"PASS     {name}")
    print(f"{len(POINTS) - failures} of {len(POINTS)} points hold at {client.url}")
    return 1 if failures else 0


def answering_model(client: Client) -> str:
    """Find a model of the default provider that answers.

    A list may hold models that cannot chat, or that speak a dialect which is not spoken here.

    Returns:
        The first of three that answers; else the first that is listed; else Ollama's usual one.

    """
    try:
        listed = client.models_of(client.default())[:_CANDIDATES]
        answering = (name for name in listed if client.chat(model=name).status == 200)  # noqa: PLR2004  # OK
        return next(answering, listed[0] if listed else _USUAL)
    except (CheckFailed, CommandError):
        return _USUAL  # the points say what failed


def _client(arguments: Sequence[str] | None) -> Client:
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__.partition(".")[0] + ".")
    configuration.add_choices(parser)
    parser.add_argument(
        "url", nargs="?", help="what comes before /v1/chat (the stack's output BaseUrl)"
    )
    parser.add_argument(
        "--model",
        default=os.environ.get("SMOKE_MODEL") or "",
        help="a bare model name that the default provider knows (SMOKE_MODEL; one that it lists)",
    )
    parser.add_argument(
        "--providers",
        default=os.environ.get("SMOKE_PROVIDERS"),
        help="comma-separated: the providers that must be listed, and no others (SMOKE_PROVIDERS)",
    )
    parser.add_argument(
        "--sign", action="store_true", help="sign with your AWS credentials (AuthMode AWS_IAM)"
    )
    options = parser.parse_args(arguments)
    deployment = configuration.load(configuration.chosen(options))
    return Client(
        url=options.url or _base_url(deployment),
        model=options.model,
        # Not an argument: those show in the list of processes.
        key=os.environ.get("KEY") or os.environ.get("CHATD_KEY"),
        providers=frozenset(options.providers.split(",")) if options.providers else None,
        sign=_signer(deployment) if options.sign else None,
    )


def _base_url(deployment: configuration.Deployment) -> str:
    from deploy.aws_account import Account  # noqa: PLC0415  # boto3 is not there unless it is needed

    return Account.of(deployment).output(deployment.stack, "BaseUrl")


def _signer(
    deployment: configuration.Deployment,
) -> Callable[[str, str, bytes | None], Mapping[str, str]]:
    from deploy.sigv4 import signed  # noqa: PLC0415  # boto3 is not there unless it is needed

    return partial(signed, region=deployment.region, profile=deployment.profile)


if __name__ == "__main__":
    sys.exit(main())
