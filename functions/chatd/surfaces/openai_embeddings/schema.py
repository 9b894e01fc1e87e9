"""The shape of a request of `/v1/embeddings`.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml. Fields that are not named here
are accepted and passed on to a provider of OpenAI's dialect.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chatd.safe_json.item_limits import MAX_EMBEDDING_TOKENS, MAX_EMBEDDINGS, items

Token = Annotated[int, Field(ge=0, le=2**31 - 1)]
Tokens = Annotated[list[Token], items(MAX_EMBEDDING_TOKENS, at_least=1)]
Text = Annotated[str, Field(min_length=1)]


def _form(value: Any) -> str:
    """Name the form of an input, so that a mistake is reported for that form alone."""
    if not isinstance(value, list):
        return "OpenAIText"
    first = value[0] if value else ""
    if isinstance(first, list):
        return "OpenAITokenLists"
    return "OpenAITokens" if isinstance(first, int) else "OpenAITexts"


class EmbeddingsRequest(BaseModel):
    """The body of `POST /v1/embeddings`."""

    model_config = ConfigDict(
        extra="allow", strict=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    model: Annotated[str, Field(min_length=1, max_length=256)]
    # A text, several texts, the tokens of one text, or the tokens of several texts.
    input: Annotated[
        Annotated[Text, Tag("OpenAIText")]
        | Annotated[list[Text], items(MAX_EMBEDDINGS, at_least=1), Tag("OpenAITexts")]
        | Annotated[Tokens, Tag("OpenAITokens")]
        | Annotated[list[Tokens], items(MAX_EMBEDDINGS, at_least=1), Tag("OpenAITokenLists")],
        Discriminator(_form),
    ]
    dimensions: Annotated[int, Field(ge=1, le=2**20)] | None = None
    encoding_format: Literal["float", "base64"] | None = None
    user: str | None = None
