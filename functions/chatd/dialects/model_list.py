"""Read the names in a provider's list of models, in any dialect."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import from_json

from chatd.dialects import lenient
from chatd.dialects.failures import malformed
from chatd.dialects.framing import bounded
from chatd.safe_json.item_limits import MAX_MODELS
from chatd.upstream_http import HttpResponse


def model_names(response: HttpResponse, field: str, *keys: str) -> list[str]:
    """Return the names of the models.

    Args:
        response: A response with status 200.
        field: The field of the list; some providers send the list alone.
        keys: The fields of an entry that may hold the name, preferred ones first.

    Raises:
        UpstreamError: If the body is malformed, or lists more than 10,000 models.

    """
    try:
        value = from_json(bounded(response.body))
    except ValueError:
        raise malformed(response, "its list of models is not JSON") from None
    models = value.get(field, []) if isinstance(value, Mapping) else value
    if models is None:
        return []
    if not isinstance(models, list) or len(models) > MAX_MODELS:
        raise malformed(response, f"its list of models has no usable {field!r}")
    return lenient.names(models, *keys)
