"""Name the fields that a row's provider or a model refuses."""

from __future__ import annotations

import re

from chatd.config.provider import Provider
from chatd.dialects.bedrock_converse.model_facts import ConverseModel

_SAMPLING = ("temperature", "top_p", "top_k")


def dropped_of(name: str, row: Provider, model: ConverseModel) -> frozenset[str]:
    """Return the fields to leave out: by the row, and by its table of models or the model itself.

    Args:
        name: The provider's name for the model.
        row: The provider's row.
        model: The abilities of the model.

    """
    for pattern, names in row.model_drops:
        if re.match(pattern, name, re.IGNORECASE):
            return frozenset((*row.drops, *names))
    refuses = (
        row.refuses_sampling(name) if model.claude is None else not model.claude.takes_sampling
    )
    return frozenset((*row.drops, *(_SAMPLING if refuses else ())))
