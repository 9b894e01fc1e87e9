"""Check the six points of the acceptance gate at a running gateway: `make smoke`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from deploy import configuration
from deploy.acceptance_gate import POINTS, CheckFailed, CheckSkipped, Client
from deploy.errors import CommandError

_CANDIDATES = 3
_FALLBACK_MODEL = "llama3.2"


def main(arguments: Sequence[str] | None = None) -> int:
    """Check every point and print the results; return 1 if a point fails."""
    try:
        client = _client(arguments)
    except CommandError as error:
        sys.stderr.write(f"make smoke: {error}\n")
        return 1
    if not client.model:
        client = replace(client, model=find_answering_model(client))
        print(f"         the model is {client.model!r}; MODEL=… chooses another")
    failures = 0
    for name, point in POINTS:
        try:
            point(client)
        except (CheckFailed, CommandError) as failure:
            failures += 1
            print(f"FAIL     {name}\n         {failure}")
        except CheckSkipped as reason:
            print(f"SKIPPED  {name}\n         {reason}")
        else:
            print(f"PASS     {name}")
    print(f"{len(POINTS) - failures} of {len(POINTS)} points hold at {client.url}")
    return 1 if failures else 0


def find_answering_model(client: Client) -> str:
    """Find an answering model of the default provider.

    A list may contain models that cannot chat, or that need an unsupported dialect.

    Returns:
        The first of three listed models that answers; else the first listed model; else llama3.2.

    """
    try:
        listed = client.chat_models(client.default_provider())[:_CANDIDATES]
        answering = (name for name in listed if client.chat(model=name).status == 200)  # noqa: PLR2004  # OK
        return next(answering, listed[0] if listed else _FALLBACK_MODEL)
    except (CheckFailed, CommandError):
        return _FALLBACK_MODEL  # the checks report the failure


def _client(arguments: Sequence[str] | None) -> Client:
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__.partition(".")[0] + ".")
    configuration.add_choice_options(parser)
    parser.add_argument(
        "url", nargs="?", help="the URL before /v1/chat (default: the stack's output BaseUrl)"
    )
    parser.add_argument(
        "--model",
        default=os.environ.get("SMOKE_MODEL") or "",
        help="a bare model name of the default provider (default: SMOKE_MODEL, else a listed one)",
    )
    parser.add_argument(
        "--providers",
        default=os.environ.get("SMOKE_PROVIDERS"),
        help="the exact list of expected providers, comma-separated (default: SMOKE_PROVIDERS)",
    )
    parser.add_argument(
        "--sign",
        action="store_true",
        help="sign requests with your AWS credentials (AuthMode AWS_IAM)",
    )
    options = parser.parse_args(arguments)
    deployment = configuration.load(configuration.choices_from(options))
    return Client(
        url=options.url or base_url(deployment),
        model=options.model,
        # Not an argument, because the process list shows arguments.
        key=os.environ.get("KEY") or os.environ.get("CHATD_KEY"),
        providers=frozenset(options.providers.split(",")) if options.providers else None,
        sign=signer(deployment) if options.sign else None,
    )


def base_url(deployment: configuration.Deployment) -> str:
    """Look up the URL before `/v1/chat` in the stack's outputs."""
    from deploy.aws_account import Account  # noqa: PLC0415  # boto3 is an optional dependency

    return Account.of(deployment).stack_output(deployment.stack, "BaseUrl")


def signer(
    deployment: configuration.Deployment,
) -> Callable[[str, str, bytes | None], Mapping[str, str]]:
    """Return a function that signs a request with the deployment's profile (AuthMode AWS_IAM)."""
    from deploy.sigv4 import sign_headers  # noqa: PLC0415  # boto3 is an optional dependency

    return partial(sign_headers, region=deployment.region, profile=deployment.profile)


if __name__ == "__main__":
    sys.exit(main())
