"""Describe the stored responses of `/v1/responses`.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    # A provider's own fields are passed on.
    model_config = ConfigDict(extra="allow")


class StoredItem(_Given):
    """An item of the input or output, such as a message, a tool call or reasoning."""

    type: str


class StoredInputItem(StoredItem):
    """An item that the caller sent; an item without an id got one."""

    id: str


class StoredResponse(_Given):
    """A response as its request returned it."""

    id: str
    object: Literal["response"]
    output: list[StoredItem]
    store: Literal[True]
    previous_response_id: str | None


class DeletedResponse(BaseModel):
    """The response is deleted."""

    model_config = ConfigDict(extra="forbid")

    id: str
    object: Literal["response"]
    deleted: Literal[True]


class StoredInput(BaseModel):
    """A page of the items that the caller sent in the turn of a response."""

    model_config = ConfigDict(extra="forbid")

    object: Literal["list"]
    data: list[StoredInputItem]
    first_id: str | None
    last_id: str | None
    has_more: bool
