"""Read the ids in Bedrock's lists of foundation models and of inference profiles.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from pydantic_core import from_json

from chatd.dialects import lenient
from chatd.dialects.failures import malformed
from chatd.dialects.framing import bounded
from chatd.safe_json.item_limits import MAX_MODELS
from chatd.upstream_http import HttpResponse

_MODELS, _PROFILES = "modelSummaries", "inferenceProfileSummaries"
# Of the profiles only AWS's own: the id of an application profile is no name of a model.
_LISTS = (
    "/foundation-models?byInferenceType=ON_DEMAND",
    "/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED",
)
_MAX_TOKEN = 2048


def list_urls(base_url: str) -> list[str]:
    """Return the URLs of the lists of models and of profiles, on the control plane's host.

    A base URL of another form than AWS's, such as a proxy's, is the host of both lists.
    """
    url = base_url.replace("://bedrock-runtime", "://bedrock", 1)
    return [f"{url}{path}" for path in _LISTS]


def next_url(url: str, response: HttpResponse) -> str | None:
    """Return the URL of the page after a response to the first page's URL; None without one."""
    body = from_json(bounded(response.body))
    token = body.get("nextToken") if type(body) is dict else None
    if type(token) is not str or not 0 < len(token) <= _MAX_TOKEN:
        return None
    return f"{url}&nextToken={quote(token, safe='')}"


def model_ids(response: HttpResponse) -> list[str]:
    """Return the ids that a chat may name, of either list.

    A foundation model is listed if it writes text or makes embeddings, and can be called on demand;
    other models are called by their inference profile.

    Raises:
        UpstreamError: If the body is malformed, or lists more than 10,000 models.

    """
    try:
        body = from_json(bounded(response.body))
    except ValueError:
        body = None
    found = body if type(body) is dict else {}
    models = found.get(_MODELS, found.get(_PROFILES))
    if type(models) is not list or len(models) > MAX_MODELS:
        raise malformed(response, "it sent no list of models")
    if _MODELS in found:
        return lenient.names([one for one in models if _is_callable(one)], "modelId")
    active = [one for one in models if type(one) is dict and one.get("status") in (None, "ACTIVE")]
    return lenient.names(active, "inferenceProfileId")


def _is_callable(model: Any) -> bool:
    """Return whether a foundation model has a text or embeddings, and is called by its own id."""
    if type(model) is not dict:
        return False
    modes, kinds = model.get("outputModalities"), model.get("inferenceTypesSupported")
    return (type(modes) is not list or "TEXT" in modes or "EMBEDDING" in modes) and (
        type(kinds) is not list or "ON_DEMAND" in kinds
    )
