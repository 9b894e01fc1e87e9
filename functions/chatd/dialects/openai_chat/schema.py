"""The model list of OpenAI's chat dialect. reading.py reads responses.

https://github.com/openai/openai-openapi/blob/master/openapi.yaml
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict

from chatd.safe_json.item_limits import MAX_MODELS, items


class OpenAIModels(BaseModel):
    """The response of `/models`."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)

    data: Annotated[list[Any], items(MAX_MODELS)] | None = None
