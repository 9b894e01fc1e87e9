"""The shape of a request of `/v1/completions`.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Fields that are not named here
are accepted and passed on.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chatd.safe_json.item_limits import MAX_PROMPT_TOKENS, MAX_PROMPTS, MAX_STOPS, items
from chatd.surfaces.openai_chat.schema import Effort, MaxTokens, Number, OpenAIStreamOptions

Token = Annotated[int, Field(ge=0)]
Tokens = Annotated[list[Token], items(MAX_PROMPT_TOKENS, at_least=1)]


# Names of the forms of a prompt; an error's path leaves names of types out.
_TEXT, _TEXTS, _TOKENS, _LISTS = "str", "list[str]", "list[int]", "list[list[int]]"


def _form(prompt: Any) -> str:
    """Return the form of a prompt, by its first item; a wrong one is refused as a text or texts."""
    if not isinstance(prompt, list):
        return _TEXT
    first = prompt[0] if prompt else None
    if type(first) is int:
        return _TOKENS
    return _LISTS if isinstance(first, list) else _TEXTS


Prompt = Annotated[
    Annotated[str, Tag(_TEXT)]
    | Annotated[list[str], items(MAX_PROMPTS, at_least=1), Tag(_TEXTS)]
    | Annotated[Tokens, Tag(_TOKENS)]
    | Annotated[list[Tokens], items(MAX_PROMPTS, at_least=1), Tag(_LISTS)],
    Discriminator(_form),
]


class OpenAICompletionRequest(BaseModel):
    """The body of `POST /v1/completions`.

    `prompt` is a text, a list of texts, the tokens of one prompt, or a list of such lists.
    """

    model_config = ConfigDict(
        extra="allow", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    model: Annotated[str, Field(min_length=1, max_length=256)]
    prompt: Prompt
    suffix: str | None = None
    # 0 is for a caller that wants the log probabilities of its own prompt, with `echo`.
    max_tokens: MaxTokens | Annotated[int, Field(ge=0, le=0)] | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    best_of: Annotated[int, Field(ge=1, le=128)] | None = None
    logprobs: Annotated[int, Field(ge=0, le=100)] | None = None
    echo: bool | None = None
    stop: str | Annotated[list[str], items(MAX_STOPS)] | None = None
    seed: int | None = None
    presence_penalty: Number | None = None
    frequency_penalty: Number | None = None
    # OpenAI's API of completions lacks it; Ollama takes it for every prompt.
    reasoning_effort: Effort | None = None
    stream: bool | None = None
    stream_options: OpenAIStreamOptions | None = None
