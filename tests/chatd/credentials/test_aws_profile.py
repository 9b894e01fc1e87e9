"""On a developer's machine credentials come from boto3's chain; on Lambda boto3 is not loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from chatd.credentials.aws_keys import AwsKeys
from tests.support.aws_sources import FUNCTION, REGION, ROLE_ARN, UtcClock, assumed, row
from tests.support.bedrock.signatures import environment
from tests.support.upstream import Upstream, reply, upstream

ROOT = Path(__file__).parents[3]


@pytest.fixture
def profiles(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "profiles"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    return path


def process(folder: Path, **values: str | int) -> str:
    """Return the line of a profile whose credentials a program prints."""
    program = folder / "credentials.json"
    program.write_text(json.dumps({"Version": 1, **values}))
    return f"credential_process = cat {program}\n"


def test_a_profile_s_credentials_sign(
    profiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = process(
        tmp_path,
        AccessKeyId=FUNCTION.id,
        SecretAccessKey=FUNCTION.secret,
        SessionToken=str(FUNCTION.token),
        Expiration=(UtcClock.of_now()() + timedelta(hours=1)).isoformat(),
    )
    profiles.write_text(f"[profile dev]\nregion = {REGION}\n{line}")
    monkeypatch.setenv("AWS_PROFILE", "dev")

    found = AwsKeys({"AWS_PROFILE": "dev"}, None).key_of(row())

    assert [secret.get_secret_value() for secret in found.secrets] == [
        *(FUNCTION.id, FUNCTION.secret),
        FUNCTION.token,
    ]


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("", "the AWS profile gave no credentials (ProfileNotFound); try `aws sso login`"),
        ("[profile dev]\nregion = x\n", "no AWS credentials were found"),
        (
            "[profile dev]\nsso_start_url = https://me.example\nsso_region = us-east-1\n"
            "sso_account_id = 111122223333\nsso_role_name = models\n",
            "the AWS profile gave no credentials (SSOTokenLoadError); try `aws sso login`",
        ),
        (
            "[profile dev]\ncredential_process = false\n",
            "the AWS profile gave no credentials (CredentialRetrievalError); try `aws sso login`",
        ),
    ],
)
def test_a_profile_without_credentials_is_a_reason(
    text: str, failure: str, profiles: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profiles.write_text(text)
    monkeypatch.setenv("AWS_PROFILE", "dev")
    monkeypatch.setenv("HOME", str(profiles.parent))

    assert AwsKeys({"AWS_PROFILE": "dev"}, None).key_of(row()).failure == failure


def modules_after(model: str, provider: Upstream, folder: Path, **environ: str) -> set[str]:
    """Return the modules of chatd's signer and of boto3 after a chat on Lambda."""
    config = folder / "chatd.toml"
    config.write_text(f"""
        [providers.plain]
        dialect = "openai_chat"
        base_url = "{provider.url}"
        [providers.signed]
        dialect = "openai_chat"
        base_url = "{provider.url}"
        aws = {{ role_arn = "{ROLE_ARN}" }}
    """)
    code = f"""
import json, sys
import chat.app
from tests.support.functions import ask, get, post
assert post(ask({model!r})).status == 200
names = {{name for name in sys.modules if name.startswith(("chatd.credentials.aws_", "boto"))}}
print(json.dumps(sorted(names)))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={
            "PYTHONPATH": f"{ROOT / 'functions'}:{ROOT}",
            "CHATD_CONFIG": str(config),
            "AWS_LAMBDA_FUNCTION_NAME": "chat",
            "AWS_SAM_LOCAL": "true",  # a provider at a loopback address is allowed there
            **environment(FUNCTION, REGION),
            **environ,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_a_chat_with_a_role_on_lambda_loads_no_boto3(provider: Upstream, tmp_path: Path) -> None:
    with upstream(reply(assumed(UtcClock.of_now()() + timedelta(hours=1)))) as sts:
        found = modules_after("signed/m", provider, tmp_path, AWS_ENDPOINT_URL_STS=sts.url)

    assert found == {
        f"chatd.credentials.aws_{name}"
        for name in ("cache", "container", "credentials", "keys", "signing", "sts")
    }


def test_a_chat_of_another_provider_loads_no_signer(provider: Upstream, tmp_path: Path) -> None:
    assert modules_after("plain/m", provider, tmp_path) == set()
