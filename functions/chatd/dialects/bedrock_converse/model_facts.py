"""Look up the abilities of a model in Bedrock's Converse, by the vendor in its id.

The facts are of November 2026, from
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html and
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.
"""

from __future__ import annotations

from typing import Literal

from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.claude_models import claude_model

_NOVA, _MISTRAL, _GPT = "amazon.nova-", "mistral.", "openai.gpt-oss"
# The field of `additionalModelRequestFields` with the effort of a model.
ReasoningField = Literal["thinking", "reasoningConfig", "reasoning_effort"]
_CACHE_1_HOUR = (4, 5)
# https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
_FIRST_WITH_SCHEMAS = (4, 5)


class ConverseModel:
    """Look up the abilities of a model; an unknown vendor's model has only common abilities.

    Args:
        name: The provider's name for the model.
        row: The provider's row, for the table of models and chatd.toml.

    Attributes:
        claude: The abilities of a Claude model; None for another model.
        is_nova: Whether it is a model of Amazon's Nova family.
        takes_named_tool: Whether it takes the choice of one tool.
        reasoning: The field with its effort; None: `outputConfig.effort`.
        top_k: The path of `top_k` in `additionalModelRequestFields`; empty without such a field.

    """

    def __init__(self, name: str, row: Provider | None = None) -> None:
        lower = name.lower()
        self.claude = claude_model(name, row)
        self.is_nova = _has(lower, _NOVA)
        self.takes_named_tool = not _has(lower, _MISTRAL)
        self.reasoning: ReasoningField | None = None
        self.top_k: tuple[str, ...] = ()
        if self.claude is not None:
            self.reasoning, self.top_k = "thinking", ("top_k",)
        elif self.is_nova:
            self.top_k = ("inferenceConfig", "topK")
            if lower.partition(_NOVA)[2][:1].isdigit():  # Nova 2 and later have a number
                self.reasoning = "reasoningConfig"
        elif not self.takes_named_tool:
            self.top_k = ("top_k",)
        elif _has(lower, _GPT):
            self.reasoning = "reasoning_effort"

    @property
    def caches(self) -> bool:
        """Whether the model takes cache points; other models answer 403 to a cache point."""
        return self.is_nova or self.claude is not None

    @property
    def caches_tools(self) -> bool:
        """Whether the model takes cache points among the tools."""
        return self.claude is not None

    @property
    def caches_1_hour(self) -> bool:
        """Whether a cache point may have a lifetime of 1 hour."""
        return self.claude is not None and self.claude.version >= _CACHE_1_HOUR

    @property
    def enforces_schemas(self) -> bool:
        """Whether the model can enforce the schema of a tool's input."""
        if self.claude is not None:
            return self.claude.version >= _FIRST_WITH_SCHEMAS
        return not self.is_nova

    @property
    def takes_result_status(self) -> bool:
        """Whether a tool result may have the status `error`."""
        return self.is_nova or self.claude is not None

    @property
    def mixes_results(self) -> bool:
        """Whether a turn may hold tool results and other content.

        Other models answer "Conversation blocks and tool result blocks cannot be provided in the
        same turn": https://github.com/browser-use/browser-use/issues/710
        """
        return self.is_nova or self.claude is not None


def _has(name: str, beginning: str) -> bool:
    """Return whether an id has this beginning: alone, after a region, or at the end of an ARN."""
    return name.startswith(beginning) or f".{beginning}" in name or f"/{beginning}" in name
