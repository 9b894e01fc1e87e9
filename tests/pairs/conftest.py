"""One gateway and one provider for all pairs; the path of a chat says the dialect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.dialects import DIALECTS
from tests.faults.caller import gateway
from tests.pairs.providers import PROVIDERS, model_at
from tests.support.upstream import Upstream, reply, upstream

KEY = "sk-pairs-0123456789abcdef"
_KEY_VARIABLE = "PAIRS_API_KEY"
# The row whose dialects have a class of their own, by the model; a token stands for signatures.
BEDROCK = """
[providers.at_bedrock]
like = "bedrock"
base_url = "{url}"
aws = {{ region = "us-east-1" }}
"""


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """Run a provider that speaks every dialect, with a row for each, and the gateway."""
    config: Path = tmp_path_factory.mktemp("pairs") / "chatd.toml"
    with upstream(reply({})) as server:
        rows = [
            f'[providers.at_{name}]\nbase_url = "{server.url}"\nknown_to_think = "."\n{row.toml}'
            for name, row in sorted(PROVIDERS.items())
            if name in DIALECTS
        ]
        rows.append(BEDROCK.format(url=server.url))
        tiers = [
            f'{one}_then_{two} = ["{model_at(one)}", "{model_at(two)}"]'
            for one in sorted(DIALECTS)
            for two in sorted(DIALECTS)
        ]
        config.write_text("\n".join([*rows, "[tiers]", *tiers]))
        with gateway(config), pytest.MonkeyPatch.context() as patch:
            patch.setenv(_KEY_VARIABLE, KEY)
            patch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
            yield server
