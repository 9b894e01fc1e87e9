"""Start real servers once per session, and configure the gateway for these servers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chatd.conftest import forget
from tests.servers.programs import KEY, Server, litellm_proxy, llama_server

CONFIG = """\
[providers.llama]
dialect = "openai_chat"
base_url = "{llama}"
key_variable = "SERVERS_API_KEY"

[providers.litellm]
dialect = "openai_chat"
base_url = "{litellm}"
key_variable = "SERVERS_API_KEY"
"""


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run llama-server."""
    with llama_server(tmp_path_factory.mktemp("llama")) as server:
        yield server


@pytest.fixture(scope="session")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run LiteLLM's proxy."""
    with litellm_proxy(tmp_path_factory.mktemp("litellm")) as server:
        yield server


@pytest.fixture
def config(
    llama: Server, litellm: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Yield a chatd.toml with the providers `llama` and `litellm`, for tests to extend."""
    path = tmp_path / "chatd.toml"
    path.write_text(CONFIG.format(llama=llama.url, litellm=litellm.url))
    monkeypatch.setenv("CHATD_CONFIG", str(path))
    monkeypatch.setenv("SERVERS_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    for variable in ("CHATD_SECRET_ID", "CHATD_CIRCUITS_TABLE", "CHATD_HTTP_SECONDS"):
        monkeypatch.delenv(variable, raising=False)
    forget()
    yield path
    forget()
