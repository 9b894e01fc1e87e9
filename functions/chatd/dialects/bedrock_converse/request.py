"""Write the body of a request in Bedrock's Converse dialect, from the canonical form.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import Any

from chatd.canonical.content import Thinking
from chatd.canonical.extra import fields_for
from chatd.canonical.losses import (
    CHANGING_IN_CHAT,
    foreign_fields,
    further_fields,
    has_failed_result,
)
from chatd.canonical.request import ChatRequest
from chatd.config.provider import Provider
from chatd.dialects.bedrock_converse.cache_points import carried
from chatd.dialects.bedrock_converse.conversation import conversation
from chatd.dialects.bedrock_converse.model_facts import ConverseModel
from chatd.dialects.bedrock_converse.options import PASSED, Options
from chatd.dialects.bedrock_converse.reading import DIALECT
from chatd.dialects.bedrock_converse.row_fields import write_row_fields
from chatd.dialects.bedrock_converse.tools import ToolConfig
from chatd.errors import InvalidRequestError

# The tag of the further fields of OpenAI's chat surface.
_CHAT = "openai_chat"


def omitted(request: ChatRequest, row: Provider) -> tuple[str, ...]:
    """Name the caller's fields that may change the answer and are left out."""
    model = ConverseModel(request.model, row)
    tools = ToolConfig(request, model)
    options = Options(request, row, model, forced=tools.forced)
    lost = [*tools.lost, *options.lost, *_of_blocks(request, model)]
    own = fields_for(_CHAT, request.extra).keys() & {*PASSED, *CHANGING_IN_CHAT}
    lost += [name for name in further_fields(request, DIALECT) if name not in own]
    marks = carried(model)
    lost += [name for name in foreign_fields(request, DIALECT) if name not in marks]
    return tuple(dict.fromkeys(lost))


def body_of(request: ChatRequest, row: Provider) -> dict[str, Any]:
    """Write the body.

    Raises:
        InvalidRequestError: If the dialect cannot express a turn, a block or the name of a tool,
            the arguments of a tool call are no JSON object, or `guardrailConfig` is no object.
        RequestTooLargeError: If the arguments of all calls hold more than 250,000 JSON values.

    """
    model = ConverseModel(request.model, row)
    tools = ToolConfig(request, model)
    options = Options(request, row, model, forced=tools.forced)
    if "guardrailConfig" in options.lost:  # an answer without the guardrail is not the one wanted
        raise InvalidRequestError("guardrailConfig must be an object", param="guardrailConfig")
    body = {**conversation(request, model), **options.fields, **tools.fields}
    write_row_fields(body, request, row)
    return body


def _of_blocks(request: ChatRequest, model: ConverseModel) -> list[str]:
    """Name the losses of the conversation: unsigned thinking, failures of tools, and a prefill."""
    lost = []
    claude = model.claude
    if request.messages[-1].role == "assistant" and claude is not None and not claude.takes_prefill:
        lost.append("messages.prefill")
    if any(_is_unsigned(block) for turn in request.messages for block in turn.blocks):
        lost.append("messages.content.thinking")
    if not model.takes_result_status and has_failed_result(request):
        lost.append("messages.content.is_error")
    return lost


def _is_unsigned(block: object) -> bool:
    return isinstance(block, Thinking) and not (block.signature or block.redacted)
