"""docs/compatibility.md, from what a run of the clients gave."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.clients.conftest import Told
from tests.clients.features import BEYOND, CLIENTS, FEATURES, Gap, holds, is_explained
from tests.clients.providers import MODELS

COMMAND = "CHATD_WRITE_COMPATIBILITY=1 make test TESTS=tests/clients"

_HEAD = f"""\
# Compatibility

Programs that speak to OpenAI, with nothing changed but their base URL and key, and what each can do
with each provider. This page is written by the tests in `tests/clients`, which run the programs
themselves against `python -m local` (what `make run` starts) and one strict stand-in for each
provider on real sockets; `{COMMAND}` writes it anew.

- **text**: the whole answer, its characters intact, and the tokens counted
- **stream**: the same, a piece for each of the provider's, and the tokens counted
- **tool round trip**: the model calls a function, gets its result, and answers with it
- **schema**: an answer that holds to a JSON schema, read into a type
- **image**: a picture within the request
"""
_ENDS = """\
## And besides

- Every answer and every chunk of a stream is valid by the openai SDK's own types, strictly.
  What they do not know and chatd adds is `reasoning_content`, and `usage.cost` where the
  provider tells it.
- Each failure arrives as the SDK's exception for its status, before a stream and within one, where
  it is an `APIError` after the pieces that came; `docs/errors.md` has the codes.
- The SDK's own retries wait as long as the provider's `Retry-After` says, up to a minute, and stop
  at `x-should-retry: false`: a spent quota, a refused key, or retries that chatd has spent itself.
- An OpenCode model that is served in another dialect only (`gpt-…`, `claude…`, `gemini…`) is a
  400 with the code `unsupported_dialect`.
"""


def page(clients: Callable[[str], Told]) -> str:
    """The page's text.

    Args:
        clients: Gives what a script told, by its name.

    """
    reasons: dict[str, int] = {}
    parts = [
        _HEAD,
        _table(["Client", "Provider", *FEATURES], _features(clients)),
        "## Finer points\n",
        "Where a number stands, the reason is below; `400` is what the caller gets.\n",
        _table(["Case", "Client", *MODELS], _beyond(clients, reasons)),
        "\n".join(f"{number}. {reason}" for reason, number in reasons.items()) + "\n",
        _ENDS,
    ]
    return "\n".join(parts)


def _features(clients: Callable[[str], Told]) -> list[list[str]]:
    rows = []
    for client, script in CLIENTS.items():
        told = clients(script)
        for provider in MODELS:
            cells = [
                _cell(told.outcomes, f"{feature} {provider}", FEATURES[feature], provider)
                for feature in FEATURES
            ]
            rows.append([f"{client} {told.version}", provider, *cells])
    return rows


def _beyond(clients: Callable[[str], Told], reasons: dict[str, int]) -> list[list[str]]:
    rows = []
    for case in BEYOND:
        outcomes = clients(CLIENTS[case.client]).outcomes
        cells = []
        for provider in MODELS:
            name, gap = f"{case.name} {provider}", case.gaps.get(provider)
            if is_explained(outcomes[name], gap, provider):
                cells.append(_gap(gap, reasons))
            else:
                cells.append(_cell(outcomes, name, case.gives, provider))
        rows.append([case.name, case.client, *cells])
    return rows


def _cell(outcomes: Mapping[str, Mapping[str, object]], name: str, gives: object, at: str) -> str:
    return "yes" if holds(outcomes[name], gives, at) else "**no**"


def _gap(gap: Gap | None, reasons: dict[str, int]) -> str:
    assert gap
    number = reasons.setdefault(gap.reason, len(reasons) + 1)
    return f"{'otherwise' if gap.code is None else '400'} ({number})"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace("| --- ", "|---")
