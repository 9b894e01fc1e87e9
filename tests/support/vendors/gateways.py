"""The vendors of the rows that are gateways or serve other APIs than OpenAI's.

The stubs of tests/clients know what these refuse; the table has the models.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.support.vendors.refusals import fields
from tests.support.vendors.vendor import Vendor

VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "ollama": Vendor(models=("gpt-oss:20b",)),
        "ollama_cloud": Vendor(models=("gpt-oss:120b",)),
        "openrouter": Vendor(models=("z-ai/glm-5",)),
        # One model of each of the three APIs.
        "opencode": Vendor(models=("glm-5", "gpt-5.6-sol", "claude-opus-4-6")),
        # One model of each of the four APIs; the fake is tests/support/bedrock.
        "bedrock": Vendor(
            models=(
                *("us.anthropic.claude-opus-4-8", "us.openai.gpt-6-sol"),
                *("openai.gpt-oss-120b-1:0", "amazon.nova-pro-v1:0"),
            )
        ),
        "anthropic": Vendor(models=("claude-opus-4-6",)),
        "kimi": Vendor(
            models=("kimi-for-coding",),
            # The model pins the temperature.
            refusals=(fields("https://github.com/MoonshotAI/Kimi-K2/issues/124", "temperature"),),
        ),
    }
)
