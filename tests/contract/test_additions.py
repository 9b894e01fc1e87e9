"""A new surface or dialect is one folder and one registry line; a new provider is one row."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.copied_tree import Tree, copied
from tests.support import answers
from tests.support.upstream import Received, Upstream, chunked, reply, upstream

ROW = """\
    # https://api-docs.newcomer.example/
    Provider(
        name="newcomer",
        dialect="openai_chat",
        base_url="https://api.newcomer.example/v1",
        base_url_variable="NEWCOMER_BASE_URL",
        key_variable="NEWCOMER_API_KEY",
    ),
"""
# Prints the response to each body, as a list of status, headers and text.
CHAT = """
import json, sys
from tests.support.functions import LambdaContext, http_event
import chat.app
from chatd.aws_lambda.streaming import Collected

def response(body):
    event = http_event("POST", {path!r}, json.dumps(body), headers={{"X-Toy-Mark": "!"}})
    given = chat.app.lambda_handler(event, LambdaContext())
    if isinstance(given, dict):
        return given["statusCode"], given["multiValueHeaders"], given["body"]
    sink = Collected()
    given.write_to(sink)
    return sink.status, {{}}, sink.body.decode()

print(json.dumps([response(body) for body in {bodies!r}]))
"""
WARM_UP = """
import json
from chatd.aws_lambda.warmup import warm_up
from tests.support.functions import settings
print(json.dumps([repr(failure) for failure in warm_up(settings(CHATD_CONFIG={config!r}))]))
"""
MISSING = """
import json
from tests.contract.registries import ROOT, missing_of_dialect, missing_of_surface
from chatd.surfaces import SURFACES
from chatd.dialects import DIALECTS
package = ROOT / "functions/chatd"
print(json.dumps([
    missing_of_surface("toy", SURFACES["toy"], package) if "toy" in SURFACES else None,
    missing_of_dialect("toy", DIALECTS["toy"], package) if "toy" in DIALECTS else None,
]))
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return copied(tmp_path / "tree")


@pytest.fixture
def server() -> Iterator[Upstream]:
    with upstream(reply({})) as server:
        yield server


def test_a_surface_is_one_folder_and_one_registry_line(
    tree: Tree, server: Upstream, tmp_path: Path
) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        chosen = (
            chunked(answers.ollama_lines("Hello", "!"))
            if received.json["stream"]
            else reply(answers.ollama_chat())
        )
        chosen(connection, received)

    server.script = script
    line = '        "toy": Entry("toy.surface.Toy", "/v1/toy"),\n'
    tree.add_toy("surface", "surfaces", line, after='"/v1/chat/completions"),\n')
    bodies = [
        {"model": "ollama/m", "say": "Hi"},
        {"model": "ollama/m"},
        {"model": "ollama/m", "say": "Hi", "stream": True},
        {"model": "nowhere:cloud", "say": "Hi", "stream": True},
    ]

    whole, invalid, streamed, unknown = tree.value(
        CHAT.format(path="/v1/toy", bodies=bodies), OLLAMA_URL=server.url, CHATD_CONFIG="/dev/null"
    )

    assert json.loads(whole[2]) == {"heard": "Hello!", "from": "ollama"}
    assert server.received[0].json["messages"] == [{"role": "user", "content": "Hi!"}]
    assert (invalid[0], json.loads(invalid[2])) == (422, {"oops": "invalid_request"})
    assert invalid[1]["x-toy-id"] == ["11111111-2222-3333-4444-555555555555"]
    assert streamed[2] == (
        'event: word\ndata: {"word":"Hello"}\n\nevent: word\ndata: {"word":"!"}\n\n'
        "event: end\ndata: {}\n\n"
    )
    assert (unknown[0], json.loads(unknown[2])) == (422, {"oops": "model_not_found"})
    assert tree.value(WARM_UP.format(config="/dev/null")) == []
    missing, _ = tree.value(MISSING)
    assert "template.yaml: the event POST /v1/toy of ChatFunction" in missing
    assert not any("the line" in place for place in missing)


def test_a_dialect_is_one_folder_and_one_registry_line(
    tree: Tree, server: Upstream, tmp_path: Path
) -> None:
    server.script = reply(b"Hello\n!\n")
    line = '        "toy": "toy.dialect.Toy",\n'
    tree.add_toy("dialect", "dialects", line, after='"openai_chat.dialect.OpenAIChat",\n')
    config = tmp_path / "chatd.toml"
    config.write_text(f'[providers.land]\ndialect = "toy"\nbase_url = "{server.url}"\n')
    body = {"model": "land/m", "messages": [{"role": "user", "content": "Hi"}]}

    whole, streamed = tree.value(
        CHAT.format(path="/v1/chat", bodies=[body, {**body, "stream": True}]),
        CHATD_CONFIG=str(config),
    )

    assert (whole[0], json.loads(whole[2])["content"]) == (200, "Hello\n!")
    assert streamed[2].startswith('data: {"content":"Hello"}\n\ndata: {"content":"!"}\n\n')
    assert [received.json for received in server.received] == [
        {"to": "m", "text": "Hi", "lines": False},
        {"to": "m", "text": "Hi", "lines": True},
    ]
    assert tree.value(WARM_UP.format(config=str(config))) == []
    _, missing = tree.value(MISSING)
    assert "docs/configuration.md: the dialect `toy`" in missing
    assert not any("the line" in place for place in missing)


def test_a_provider_is_one_row_of_eight_lines_and_breaks_no_test(tree: Tree) -> None:
    catalog = tree.root / "functions/chatd/config/catalog/model_hosts.py"
    tree.insert(catalog, ROW, after="ROWS = (\n")
    generate = "docs/generate.py"

    stale = tree.run(generate, "--check")
    written = tree.run(generate)
    current = tree.run(generate, "--check")
    tests = tree.run(
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"),
        *("tests/contract/test_rows.py", "-k", "newcomer"),
    )
    lists = tree.run(
        *("-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"),
        *("tests/contract/test_registries.py", "tests/chatd/discovery", "tests/docs/test_pages.py"),
        *("-k", "not slow"),  # a test of time limits, which says nothing of rows
    )

    assert ROW.count("\n") == 8
    assert (stale.returncode, "template.yaml is out of date" in stale.stderr) == (1, True)
    assert (written.returncode, current.returncode, current.stderr) == (0, 0, "")
    template = (tree.root / "template.yaml").read_text("utf-8")
    assert 'NEWCOMER_API_KEY: ""' in template
    assert 'NEWCOMER_BASE_URL: ""' in template
    assert tests.returncode == 0, tests.stdout
    assert lists.returncode == 0, lists.stdout
    assert "NEWCOMER_API_KEY" in tree.run("-m", "local", "--help").stdout
