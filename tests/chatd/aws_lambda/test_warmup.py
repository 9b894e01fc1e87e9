"""Warm up before a snapshot, and forget connections, keys and random state after a restore."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import authorizer.app
import chat.app
from chatd.aws_lambda import snapstart, warmup
from chatd.credentials.secrets_manager import JsonSecret
from chatd.dialects.embeddings import (
    EMBEDDING_DIALECTS,
    EmbeddingDialect,
    load_embedding_dialect,
)
from chatd.errors import InvalidRequestError
from tests.support import answers, functions
from tests.support.functions import ask, invoke
from tests.support.upstream import Received, Upstream, reply, upstream

ROOT = Path(__file__).parents[3]
KEY = "sk-test-0123456789abcdef"


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    """Serve GetSecretValue of Secrets Manager."""
    with upstream(reply({"SecretString": json.dumps({"OPENROUTER_API_KEY": KEY})})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url)
        monkeypatch.setenv("CHATD_SECRET_ID", "chatd/providers")
        monkeypatch.setenv("CHATD_CALLERS_SECRET_ID", "chatd/callers")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield server


def test_warm_up_runs_every_provider_on_every_surface_without_a_failure() -> None:
    assert warmup.warm_up(functions.settings()) == []


def test_warm_up_makes_embeddings_in_every_dialect(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def load(name: str) -> EmbeddingDialect:
        loaded.append(name)
        return load_embedding_dialect(name)

    monkeypatch.setattr(warmup, "load_embedding_dialect", load)

    settings = functions.settings(AWS_REGION="eu-west-1", AWS_ACCESS_KEY_ID="x")

    assert warmup.warm_up(settings) == []
    assert set(loaded) == set(EMBEDDING_DIALECTS)


def test_warm_up_returns_a_failure_instead_of_raising() -> None:
    settings = functions.settings()
    nameless = replace(settings.providers["kimi"], stripped_endings=("m",))
    failures = warmup.warm_up(replace(settings, providers={**settings.providers, "kimi": nameless}))

    assert {type(failure) for failure in failures} == {InvalidRequestError}


def test_warm_up_leaves_out_disabled_providers(tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.kimi]\nenabled = false\n")

    assert warmup.warm_up(functions.settings(CHATD_CONFIG=str(config))) == []


def test_rows_that_use_the_same_code_are_warmed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = functions.settings()
    openai = settings.providers["openai"]
    rows = {f"row{i}": replace(openai, name=f"row{i}", drops=("seed",)) for i in range(3)}
    rows["generic"] = replace(openai, name="generic", own_dialects=())
    asked: list[str] = []
    monkeypatch.setattr(warmup, "_chat", lambda _selector, _api, row, _body: asked.append(row.name))

    warmup.warm_up(replace(settings, providers=rows))

    assert sorted(set(asked)) == ["generic", "row2"]


def test_a_row_with_a_role_is_warmed_without_assuming_the_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text(
        "[providers.mine]\ndialect = 'openai_chat'\nbase_url = 'http://h'\n"
        "[providers.mine.aws]\nrole_arn = 'arn:aws:iam::111122223333:role/models'\n"
    )
    settings = functions.settings(CHATD_CONFIG=str(config), AWS_REGION="eu-west-1")
    monkeypatch.delitem(sys.modules, "chatd.credentials.aws_sts", raising=False)

    failures = warmup.warm_up(replace(settings, providers={"mine": settings.providers["mine"]}))

    assert failures == []
    assert "chatd.credentials.aws_sts" in sys.modules


def test_prepare_loads_the_dialects_and_opens_no_socket_and_reads_no_key() -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(ROOT / "functions")!r})
os.environ.update(
    CHATD_CONFIG="/dev/null", CHATD_SECRET_ID="x", CHATD_CALLERS_SECRET_ID="y",
    CHATD_CIRCUITS_TABLE="c", CHATD_IDEMPOTENCY_TABLE="i", CHATD_RESPONSES_TABLE="r",
    AWS_DEFAULT_REGION="us-east-1",
)
def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen"):
        raise SystemExit(event)
    if event == "open" and str(args[0]).endswith(".env"):
        raise SystemExit(f"opens {{args[0]}}")
sys.addaudithook(refuse)
import authorizer.app, chat.app
chat.app.compose().prepare()
if "chatd.dialects.openai_chat.dialect" not in sys.modules:
    raise SystemExit("no chat went through a dialect")
authorizer.app.prepare()
sockets = [link for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{{fd}}")
           and "socket" in (link := os.readlink(f"/proc/self/fd/{{fd}}"))]
raise SystemExit(f"holds {{sockets}}" if sockets else 0)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_forget_drops_connections_and_provider_keys(provider: Upstream, manager: Upstream) -> None:
    ports = []

    def script(connection: socket.socket, received: Received) -> None:
        ports.append(connection.getpeername()[1])
        reply(answers.openai_chat())(connection, received)

    provider.script = script
    request: Any = ask("openrouter/vendor/model")
    for _ in range(2):
        invoke(request)
    fetched = len(manager.received)
    chat.app.compose().forget()
    invoke(request)

    assert ports[0] == ports[1] != ports[2]
    assert (fetched, len(manager.received)) == (1, 2)


def test_a_forgotten_secret_is_read_again_even_if_the_clock_went_back() -> None:
    moments = iter([1000.0, 1000.0, 3.0, 3.0])
    texts = iter(['{"A": 1}', '{"A": 2}'])
    secret = JsonSecret("id", lambda _id: next(texts), lambda: next(moments))

    assert secret.read() == {"A": 1}
    secret.forget()
    assert secret.read() == {"A": 2}


def test_forget_drops_the_authorizers_caller_keys(
    manager: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager.script = reply({"SecretString": json.dumps({"pepper": "p" * 64, "callers": {}})})
    event = {"headers": {"x-api-key": "chatd-nobody"}, "methodArn": "a/b/c"}
    for _ in range(2):
        with pytest.raises(Exception, match=r"^Unauthorized$"):
            authorizer.app.lambda_handler(event, None)
    fetched = len(manager.received)
    authorizer.app.forget()
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorizer.app.lambda_handler(event, None)

    assert (fetched, len(manager.received)) == (1, 2)
    authorizer.app.forget()


def test_restored_processes_draw_different_random_numbers() -> None:
    state = random.getstate()
    numbers = []
    for _ in range(2):
        random.setstate(state)
        snapstart.reseed()
        numbers.append(random.random())  # noqa: S311  # what retries draw from

    assert numbers[0] != numbers[1]
