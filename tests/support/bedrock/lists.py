"""List foundation models and inference profiles, as Bedrock's control plane does.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support.bedrock.errors import demand, invalid
from tests.support.bedrock.models import APPLICATION_PROFILE, MODELS, REGIONS, Model

ACCOUNT = "111122223333"
_EMBEDDING = "embed"


def foundation_models(region: str) -> Mapping[str, Any]:
    """Return every model, also the models that only a profile can call."""
    return {"modelSummaries": [_summary(model, region) for model in MODELS.values()]}


def inference_profiles(query: Mapping[str, str], region: str) -> Mapping[str, Any]:
    """Return a page of profiles; `nextToken` is the number of profiles before the next page."""
    for name in sorted(query.keys() - {"maxResults", "nextToken", "type"}):
        raise invalid(f"{name} is no parameter of ListInferenceProfiles")
    most = int(query.get("maxResults", "100"))
    demand(1 <= most <= 1000, "maxResults must be between 1 and 1000")
    kind = query.get("type")
    found = [entry for entry in _profiles(region) if kind in (None, entry["type"])]
    start = int(query.get("nextToken", "0"))
    page: dict[str, Any] = {"inferenceProfileSummaries": found[start : start + most]}
    if start + most < len(found):
        page["nextToken"] = str(start + most)
    return page


def _summary(model: Model, region: str) -> Mapping[str, Any]:
    is_embedding = _EMBEDDING in model.id
    return {
        "modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model.id}",
        "modelId": model.id,
        "modelName": model.name,
        "providerName": model.vendor,
        "inputModalities": ["TEXT"],
        "outputModalities": ["EMBEDDING" if is_embedding else "TEXT"],
        "responseStreamingSupported": not is_embedding,
        "customizationsSupported": [],
        "inferenceTypesSupported": ["ON_DEMAND"] if model.on_demand else ["INFERENCE_PROFILE"],
        "modelLifecycle": {"status": "ACTIVE"},
    }


def _profiles(region: str) -> list[dict[str, Any]]:
    found = [
        {
            "inferenceProfileId": f"{prefix}.{model.id}",
            "inferenceProfileArn": (
                f"arn:aws:bedrock:{region}:{ACCOUNT}:inference-profile/{prefix}.{model.id}"
            ),
            "inferenceProfileName": f"{prefix.upper()} {model.name}",
            "models": [{"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model.id}"}],
            "status": "ACTIVE",
            "type": "SYSTEM_DEFINED",
        }
        for model in MODELS.values()
        if not model.on_demand
        for prefix in REGIONS
    ]
    return [*found, _application(region)]


def _application(region: str) -> dict[str, Any]:
    model = "anthropic.claude-sonnet-4-5-20250929-v1:0"
    return {
        "inferenceProfileId": APPLICATION_PROFILE.rpartition("/")[2],
        "inferenceProfileArn": APPLICATION_PROFILE,
        "inferenceProfileName": "team-blue",
        "models": [{"modelArn": f"arn:aws:bedrock:{region}::foundation-model/{model}"}],
        "status": "ACTIVE",
        "type": "APPLICATION",
    }
