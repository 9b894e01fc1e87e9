"""Render docs/compatibility.md from a run of the clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tests.agents.programs import PACKAGE_OF, PACKAGES
from tests.agents.scripted_model import DIALECTS
from tests.agents.takeovers import TAKEOVERS
from tests.clients.conftest import ScriptOutput
from tests.clients.embedding_features import EMBEDDING_CLIENTS
from tests.clients.features import BEYOND, CLIENTS, FEATURES, Gap, holds, is_explained
from tests.clients.providers import MODELS
from tests.clients.stub_embeddings import EMBEDDING_MODELS
from tests.clients.test_bedrock import MODELS as BEDROCK_MODELS
from tests.clients.test_bedrock import SCRIPTS as BEDROCK_SCRIPTS

COMMAND = "CHATD_WRITE_COMPATIBILITY=1 make test TESTS=tests/clients"

_HEAD = f"""\
# Compatibility

The features of client programs with each provider; only base URL and key of a program are changed.
The tests in `tests/clients` write this page: they run the clients against `python -m local` (as
`make run` does), with a strict stub of each provider on real sockets.
`{COMMAND}` writes the page again.

- **text**: the whole answer with intact characters, and the token counts
- **stream**: the same in a piece per piece of the provider's, and the token counts
- **tool round trip**: the model calls a function, gets the result, and answers with the result
- **schema**: an answer that conforms to a JSON schema, parsed into a type
- **image**: an image within the request
"""
_EMBEDDINGS = """\
## Embeddings

`/v1/embeddings` with each provider that makes embeddings. OpenCode, Kimi For Coding and Anthropic
make none: a 400 that says so. Tokens instead of texts are a 400, except with `openai`.
"""
_BEDROCK = """\
## Amazon Bedrock

The programs use Bedrock's models by AWS credentials and without a key, in each of its four APIs
(`tests/clients/test_bedrock.py`, `tests/agents/test_bedrock.py`). A fake Bedrock verifies each
signature with AWS's own code and refuses what Bedrock refuses. The five features above work with
each model, and so do parallel, forced and streamed tool calls and tools with thinking; custom and
namespaced tools in `responses`; `count_tokens` and the list of models in the Anthropic SDK. An
image by its URL is a 400: Bedrock fetches none.
"""
_OTHERS = """\
## Further providers

The other rows of the catalog differ from these by fields of the row alone. `tests/contract` sends
the same chats to each, with a strict fake of its vendor behind:
[the table of abilities](providers.md#what-each-provider-can-do).
"""
_AGENTS = """\
## Coding agents

Each agent finishes a task on a folder through a provider of each dialect: it reads two files,
changes one, runs a command and reports. `tests/agents` runs it, also with an exhausted provider.
[agents.md](agents.md) has the configuration.
"""
_ENDS = """\
## Further rules

- Every answer and every chunk of a stream is strictly valid by the openai SDK's own types. chatd
  adds two fields that these types lack: `reasoning_content`, and `usage.cost` if the provider
  reports the cost. The provider's own further fields, and its `id`, pass through.
- Each failure before a stream raises the SDK's exception for its status; a failure within a stream
  raises `APIError` after the pieces so far. `docs/errors.md` has the codes.
- The SDK's own retries wait for the provider's `Retry-After`, up to a minute, and stop at
  `x-should-retry: false`: a spent quota, a refused key, or retries that chatd has already made.
"""


def page(clients: Callable[[str], ScriptOutput]) -> str:
    """Return the page in Markdown.

    Args:
        clients: Returns a script's output, by the script's name.

    """
    reasons: dict[str, int] = {}
    parts = [
        _HEAD,
        _table(["Client", "Provider", *FEATURES], _features(clients)),
        "## Further cases\n",
        "A number refers to the reason below; `400` is the caller's status.\n",
        _table(["Case", "Client", *MODELS], _beyond(clients, reasons)),
        "\n".join(f"{number}. {reason}" for reason, number in reasons.items()) + "\n",
        _EMBEDDINGS,
        _table(["Case", "Client", *EMBEDDING_MODELS], _embeddings(clients)),
        _BEDROCK,
        _table(["Program", *BEDROCK_MODELS], _bedrock(clients)),
        _OTHERS,
        _AGENTS,
        _table(["Agent", *DIALECTS, "a stream dies, and another dialect takes over"], _agents()),
        _ENDS,
    ]
    return "\n".join(parts)


def _features(clients: Callable[[str], ScriptOutput]) -> list[list[str]]:
    rows = []
    for client, script in CLIENTS.items():
        output = clients(script)
        for provider in MODELS:
            cells = [
                _cell(output.outcomes, f"{feature} {provider}", FEATURES[feature], provider)
                for feature in FEATURES
            ]
            rows.append([f"{client} {output.version}", provider, *cells])
    return rows


def _embeddings(clients: Callable[[str], ScriptOutput]) -> list[list[str]]:
    rows = []
    for client, (script, cases) in EMBEDDING_CLIENTS.items():
        output = clients(script)
        for name, expected in cases.items():
            cells = [
                _cell(output.outcomes, f"{name} {provider}", expected, provider)
                for provider in EMBEDDING_MODELS
            ]
            rows.append([name, f"{client} {output.version}", *cells])
    return rows


def _bedrock(clients: Callable[[str], ScriptOutput]) -> list[list[str]]:
    """List the programs of tests/clients/test_bedrock.py and of the agents' test."""
    names = {script: name for name, script in CLIENTS.items() if script in BEDROCK_SCRIPTS}
    rows = [f"{names[script]} {clients(script).version}" for script in BEDROCK_SCRIPTS]
    locked = json.loads(PACKAGES.read_text("utf-8"))["dependencies"]
    rows.append(f"Claude Code {locked[PACKAGE_OF['Claude Code']]}")
    return [[name, *("yes" for _ in BEDROCK_MODELS)] for name in rows]


def _agents() -> list[list[str]]:
    locked = json.loads(PACKAGES.read_text("utf-8"))["dependencies"]
    return [
        [
            f"{agent} {locked[package]}",
            *("yes" for _ in DIALECTS),
            ", ".join(f"{first} → {second}" for first, second in TAKEOVERS[agent]),
        ]
        for agent, package in PACKAGE_OF.items()
    ]


def _beyond(clients: Callable[[str], ScriptOutput], reasons: dict[str, int]) -> list[list[str]]:
    rows = []
    for case in BEYOND:
        outcomes = clients(CLIENTS[case.client]).outcomes
        cells = []
        for provider in MODELS:
            name, gap = f"{case.name} {provider}", case.gaps.get(provider)
            if is_explained(outcomes[name], gap, provider):
                cells.append(_gap(gap, reasons))
            else:
                cells.append(_cell(outcomes, name, case.expected, provider))
        rows.append([case.name, case.client, *cells])
    return rows


def _cell(
    outcomes: Mapping[str, Mapping[str, object]], name: str, expected: object, at: str
) -> str:
    return "yes" if holds(outcomes[name], expected, at) else "**no**"


def _gap(gap: Gap | None, reasons: dict[str, int]) -> str:
    assert gap
    number = reasons.setdefault(gap.reason, len(reasons) + 1)
    return f"{'differs' if gap.code is None else '400'} ({number})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("| --- ", "|---")
