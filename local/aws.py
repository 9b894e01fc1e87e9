"""`make aws-local`: the gateway with its keys in a Secrets Manager of its own.

moto's server stands in for Secrets Manager on a free loopback port, so that the whole way of a
key runs without an AWS account. It knows nothing of how the gateway serves.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from chatd.catalog import CATALOG
from local.run import main as serve

SECRET = "chatd/providers"  # noqa: S105  # its name
# moto asks for credentials and looks at none of them.
_DUMMIES = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def main(arguments: Sequence[str]) -> int:
    """Serve until told to stop; the exit status."""
    with _secrets_manager() as endpoint:
        real = sorted(name for name in _key_names() if os.environ.get(name))
        os.environ.update(_environment(os.environ, endpoint))
        _seed(endpoint, _keys(os.environ))
        print(f"Secrets Manager: {endpoint}, secret {SECRET!r}")
        print(f"  keys from the environment: {', '.join(real) or 'none'}; the others are made up")
        return serve(arguments)


@contextmanager
def _secrets_manager() -> Iterator[str]:
    """A Secrets Manager on a free loopback port; its URL."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def _environment(environ: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """What leads boto3 and the gateway to the stand-in."""
    dummies = {name: value for name, value in _DUMMIES.items() if not environ.get(name)}
    return {
        **dummies,
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "CHATD_SECRET_ID": SECRET,
    }


def _key_names() -> list[str]:
    return [row.key_variable for row in CATALOG.values() if row.key_variable]


def _keys(environ: Mapping[str, str]) -> dict[str, str]:
    """Every provider's key: the environment's, or one that says that it is none."""
    return {
        name: environ.get(name) or f"made-up-{name.lower().replace('_', '-')}"
        for name in _key_names()
    }


def _seed(endpoint: str, keys: Mapping[str, str]) -> None:
    # Named here too: boto3 can be told to ignore the environment's, and would go to AWS.
    client = boto3.client("secretsmanager", endpoint_url=endpoint)
    client.create_secret(Name=SECRET, SecretString=json.dumps(dict(keys)))
    client.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
