"""`make aws-local`: keys come from a Secrets Manager, without an account."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlsplit

import boto3

from tests.local.conftest import ROOT, STAGE, Start


def test_keys_come_from_a_secrets_manager_that_ends_with_the_gateway(start: Start) -> None:
    gateway = start("--code", str(ROOT / "functions"), module="local.aws", KIMI_API_KEY="sk-kimi-1")
    listed = gateway.ask("GET", "/v1/chat/providers").json["providers"]
    found = re.search(r"Secrets Manager: (\S+), secret 'chatd/providers'", gateway.said)
    assert found
    port = urlsplit(found[1]).port or 0
    assert gateway.stop() == 0

    names = [provider["name"] for provider in listed if provider["available"]]
    assert names == ["ollama", "ollama_cloud", "openrouter", "opencode", "kimi"]
    assert "keys from the environment: KIMI_API_KEY; the others are made up" in gateway.said
    assert "sk-kimi-1" not in gateway.said
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


def test_the_secret_holds_the_environments_keys_and_made_up_ones(start: Start) -> None:
    gateway = start(*STAGE, module="local.aws", KIMI_API_KEY="sk-kimi-1")
    environment = gateway.act("tell").json["environment"]
    client = boto3.client(
        "secretsmanager",
        endpoint_url=environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    secret = client.get_secret_value(SecretId=environment["CHATD_SECRET_ID"])["SecretString"]
    client.close()

    assert '"KIMI_API_KEY": "sk-kimi-1"' in secret
    assert '"OPENROUTER_API_KEY": "made-up-openrouter-api-key"' in secret


def test_aws_variables_that_are_set_are_kept(start: Start) -> None:
    mine = {"AWS_ACCESS_KEY_ID": "mine", "AWS_DEFAULT_REGION": "eu-central-1"}
    gateway = start(*STAGE, module="local.aws", **mine)

    assert mine.items() <= gateway.act("tell").json["environment"].items()
