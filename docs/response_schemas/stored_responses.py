"""Describe the list of a stored response's input, and the deletion of a stored response.

https://platform.openai.com/docs/api-reference/responses/input-items
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class _Given(BaseModel):
    # Items have fields of their kind.
    model_config = ConfigDict(extra="allow")


class StoredInputItem(_Given):
    """An item that the caller sent; an item without an id got one."""

    id: str
    type: str


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
