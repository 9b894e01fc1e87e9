"""Look up the abilities of a model in Bedrock's Converse, by the vendor in its id.

The facts are those of November 2026, from
https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html,
https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html and
https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from chatd.config.provider import Provider
from chatd.dialects.anthropic_messages.claude_models import ClaudeModel, claude_model

# `amazon.nova-pro-v1:0`, `us.amazon.nova-pro-v1:0`, and either at the end of an ARN.
_NOVA = re.compile(r"(^|[./])amazon\.nova-(?P<major>\d+-)?")
_MISTRAL = re.compile(r"(^|[./])mistral\.")
_GPT = re.compile(r"(^|[./])openai\.gpt-oss")
_CACHE_1_HOUR = (4, 5)
# https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
_FIRST_WITH_SCHEMAS = (4, 5)


class ReasoningField(Enum):
    """The field of `additionalModelRequestFields` with the effort of a model."""

    THINKING = "thinking"
    REASONING_CONFIG = "reasoningConfig"
    REASONING_EFFORT = "reasoning_effort"


@dataclass(frozen=True, slots=True)
class ConverseModel:
    """The abilities of a model.

    Attributes:
        claude: The abilities of a Claude model; None for another model.
        is_nova: Whether it is a model of Amazon's Nova family.
        takes_named_tool: Whether it takes the choice of one tool.
        reasoning: The field with its effort; None: `outputConfig.effort`.
        top_k: The path of `top_k` in `additionalModelRequestFields`; empty: it has none.

    """

    claude: ClaudeModel | None
    is_nova: bool
    takes_named_tool: bool
    reasoning: ReasoningField | None
    top_k: tuple[str, ...]

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

        The others answer "Conversation blocks and tool result blocks cannot be provided in the same
        turn": https://github.com/browser-use/browser-use/issues/710
        """
        return self.is_nova or self.claude is not None


def converse_model(name: str, row: Provider | None = None) -> ConverseModel:
    """Return the abilities of the model; of an unknown vendor, those of all models.

    Args:
        name: The provider's name for the model.
        row: The provider's row, for the table of models and chatd.toml.

    """
    lower = name.lower()
    claude = claude_model(name, row)
    nova = _NOVA.search(lower)
    mistral = _MISTRAL.search(lower) is not None
    reasoning: ReasoningField | None = None
    if claude is not None:
        reasoning = ReasoningField.THINKING
    elif nova is not None and nova["major"] is not None:  # Nova 2 and later have a number
        reasoning = ReasoningField.REASONING_CONFIG
    elif _GPT.search(lower) is not None:
        reasoning = ReasoningField.REASONING_EFFORT
    top_k: tuple[str, ...] = ()
    if nova is not None:
        top_k = ("inferenceConfig", "topK")
    elif claude is not None or mistral:
        top_k = ("top_k",)
    return ConverseModel(claude, nova is not None, not mistral, reasoning, top_k)
