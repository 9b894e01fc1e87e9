"""An item whose kind is an empty text is an item of an unknown kind, and no message."""

from __future__ import annotations

import json

from chatd.canonical.content import Opaque
from chatd.surfaces import surface

TURN = {"role": "user", "content": "Hello"}


def test_an_item_with_an_empty_type_is_of_an_unknown_kind() -> None:
    body = {"model": "m", "input": [{"type": "", "x": 1}, {"type": None, **TURN}]}
    request = surface("openai_responses").read({}, json.dumps(body).encode())

    first, second = request.messages
    (block,) = first.blocks
    assert isinstance(block, Opaque)
    assert (block.kind, first.role, second.role) == ("", "user", "user")
