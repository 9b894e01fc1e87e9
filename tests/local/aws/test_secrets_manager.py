"""`make aws-local` reads the keys from a local Secrets Manager."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from urllib.parse import urlsplit

import boto3

from chatd.config.catalog import CATALOG
from tests.local.conftest import ROOT, SCRIPTED, Gateway, Start


def secret_of(gateway: Gateway) -> str:
    """The secret that a client with the handlers' credential reads."""
    environment = gateway.run_action("report").json["environment"]
    client = boto3.client(
        "secretsmanager",
        endpoint_url=environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    secret = client.get_secret_value(SecretId=environment["CHATD_SECRET_ID"])["SecretString"]
    client.close()
    return secret


def test_the_gateway_reads_its_keys_from_a_secrets_manager_that_ends_with_it(start: Start) -> None:
    gateway = start("--code", str(ROOT / "functions"), module="local.aws", KIMI_API_KEY="sk-kimi-1")
    listed = gateway.ask("GET", "/v1/chat/providers").json["providers"]
    found = re.search(r"Secrets Manager: (\S+), secret 'chatd/providers'", gateway.output_text)
    assert found
    port = urlsplit(found[1]).port or 0
    assert gateway.stop() == 0

    names = [provider["name"] for provider in listed if provider["available"]]
    # Bedrock is off: the made-up credential is of no account.
    rows = [row for row in CATALOG.values() if row.aws is None and row.base_url]
    assert names == [row.name for row in rows]
    assert (
        "keys from the environment and .env: KIMI_API_KEY; the others are made"
        in gateway.output_text
    )
    assert "sk-kimi-1" not in gateway.output_text
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


def test_the_secret_contains_the_environments_keys_and_placeholders(start: Start) -> None:
    secret = secret_of(start(*SCRIPTED, module="local.aws", KIMI_API_KEY="sk-kimi-1"))

    assert '"KIMI_API_KEY": "sk-kimi-1"' in secret
    assert '"OPENROUTER_API_KEY": "made-up-openrouter-api-key"' in secret


def test_a_key_of_an_env_file_replaces_the_placeholder(start: Start, tmp_path: Path) -> None:
    env_file, config = tmp_path / "keys.env", tmp_path / "chatd.toml"
    env_file.write_text("OPENROUTER_API_KEY=sk-or-1\nKIMI_API_KEY=\n")
    config.write_text(
        f'[providers.openrouter]\nenv_file = "{env_file}"\n'
        f'[providers.kimi]\nenv_file = "{env_file}"\n'
    )
    gateway = start(*SCRIPTED, module="local.aws", CHATD_CONFIG=str(config))
    secret = secret_of(gateway)

    assert '"OPENROUTER_API_KEY": "sk-or-1"' in secret
    assert '"KIMI_API_KEY": "made-up-kimi-api-key"' in secret
    assert "keys from the environment and .env: OPENROUTER_API_KEY; the" in gateway.output_text
    assert "sk-or-1" not in gateway.output_text


def test_each_run_makes_a_random_credential(start: Start) -> None:
    # A credential that can be guessed is not kept.
    guessable = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    environments = [
        start(*SCRIPTED, module="local.aws", **given).run_action("report").json["environment"]
        for given in ({}, {}, guessable)
    ]

    secrets = {environment["AWS_SECRET_ACCESS_KEY"] for environment in environments}
    ids = {environment["AWS_ACCESS_KEY_ID"] for environment in environments}
    assert (len(ids), len(secrets)) == (3, 3)
    assert all(len(secret) >= 40 for secret in secrets)
    assert all(re.fullmatch("LOCAL[0-9A-F]{16}", one) for one in ids)


def test_a_real_credential_and_a_region_are_kept(start: Start) -> None:
    mine = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    gateway = start(*SCRIPTED, module="local.aws", KIMI_API_KEY="sk-kimi-1", **mine)

    assert mine.items() <= gateway.run_action("report").json["environment"].items()
    assert '"KIMI_API_KEY": "sk-kimi-1"' in secret_of(gateway)
