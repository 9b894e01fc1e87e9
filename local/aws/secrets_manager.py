"""Run the gateway with its keys in a local Secrets Manager (`make aws-local`).

moto's server emulates Secrets Manager on a free loopback port, behind a check of each request's
signature (signature_check.py). The gateway reads its keys as on AWS, without an AWS account.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import boto3
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server

from chatd.config.provider import Provider
from chatd.config.settings import ConfigError, load
from chatd.credentials.provider_keys import Credentials
from chatd.dialects import DIALECTS
from local.aws.signature_check import SignatureCheck
from local.run import main as serve

SECRET = "chatd/providers"  # noqa: S105  # the secret's name
# AWS's secret access keys have 40 characters. A shorter one, such as `test`, can be guessed.
_SECRET_CHARACTERS = 40


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; return the exit status."""
    try:
        rows = load(os.environ, DIALECTS).providers.values()
    except ConfigError:
        return serve(arguments)  # reports the configuration error
    keys, placeholders = _collect_keys(rows, os.environ)
    credential = _choose_credential(os.environ)
    with serve_secrets_manager(credential) as endpoint:
        os.environ.update(_client_environment(os.environ, endpoint, credential))
        create_secret(endpoint, credential, {**keys, **placeholders})
        print(f"Secrets Manager: {endpoint}, secret {SECRET!r}")
        print(f"  keys from the environment and .env: {', '.join(sorted(keys)) or 'none'};", end="")
        print(" the others are made up")
        return serve(arguments)


class _Handler(MotoRequestHandler):
    """Serve one connection, and close the connection when a read takes more than `timeout` s."""

    timeout = 10

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # werkzeug's name
        """Discard the line, which would contain text of an unverified request."""


@contextmanager
def serve_secrets_manager(credential: Mapping[str, str]) -> Iterator[str]:
    """Run a Secrets Manager on a free loopback port; yield its URL.

    Args:
        credential: The only credential whose signatures are accepted.

    """
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    backend = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, backend, threaded=True, request_handler=_Handler)
    address = f"127.0.0.1:{server.server_port}"
    server.app = SignatureCheck(
        backend,
        credential["AWS_ACCESS_KEY_ID"],
        credential["AWS_SECRET_ACCESS_KEY"],
        hosts=(address,),
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{address}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _choose_credential(environ: Mapping[str, str]) -> dict[str, str]:
    """Choose the credential that the gateway signs with: a random credential.

    A credential of the environment is kept if its secret has at least 40 characters: the gateway
    may need the credential for other AWS services.
    """
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    access_key, secret_key = (environ.get(name, "") for name in names)
    if not access_key or len(secret_key) < _SECRET_CHARACTERS:
        # Letters and digits only: an id with a slash cannot be parsed out of a signature.
        access_key, secret_key = f"LOCAL{secrets.token_hex(8).upper()}", secrets.token_urlsafe(32)
    return dict(zip(names, (access_key, secret_key), strict=True))


def _client_environment(
    environ: Mapping[str, str], endpoint: str, credential: Mapping[str, str]
) -> dict[str, str]:
    """Return the environment variables that point boto3 and the gateway to the local server.

    A random credential belongs to no account, so Bedrock is switched off with it.
    """
    is_random = environ.get("AWS_ACCESS_KEY_ID") != credential["AWS_ACCESS_KEY_ID"]
    return {
        **credential,
        **({"CHATD_BEDROCK_ACCESS": "off"} if is_random else {}),
        "AWS_DEFAULT_REGION": environ.get("AWS_DEFAULT_REGION") or "us-east-1",
        "AWS_ENDPOINT_URL_SECRETS_MANAGER": endpoint,
        "CHATD_SECRET_ID": SECRET,
    }


def _collect_keys(
    rows: Iterable[Provider], environ: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Collect the keys of the environment and .env files, and placeholders for missing keys.

    A key that is set but unusable gets no placeholder, so that the gateway reports the key.

    Returns:
        The keys and the placeholders, each by the name of its variable.

    """
    credentials = Credentials(environ, None, lambda _warning: None)
    real: dict[str, str] = {}
    placeholders: dict[str, str] = {}
    for row in rows:
        if row.key_variable:
            key = credentials.key_of(row)
            if key.value is not None:
                real[row.key_variable] = key.value.get_secret_value()
            elif key.failure is None:
                placeholders[row.key_variable] = (
                    f"made-up-{row.key_variable.lower().replace('_', '-')}"
                )
    return real, {name: value for name, value in placeholders.items() if name not in real}


def create_secret(endpoint: str, credential: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Create the secret that holds the keys."""
    # Endpoint and credential are arguments although the environment has both: boto3 can be
    # configured to ignore the environment's endpoint, and caches a process's first credential.
    client = boto3.client(
        "secretsmanager",
        endpoint_url=endpoint,
        aws_access_key_id=credential["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=credential["AWS_SECRET_ACCESS_KEY"],
    )
    client.create_secret(Name=SECRET, SecretString=json.dumps(dict(keys)))
    client.close()
