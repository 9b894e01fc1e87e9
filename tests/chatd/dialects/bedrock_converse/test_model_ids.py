"""The lists of models and profiles are read page by page, from the control plane's host."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.dialects import PagedModels, load_dialect
from chatd.dialects.bedrock_converse.model_ids import list_urls, model_ids, next_url
from chatd.errors import UpstreamError
from chatd.upstream_http import HttpResponse

FIRST = "https://bedrock.us-east-1.amazonaws.com/inference-profiles?maxResults=1000"


def response(body: Any) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("base_url", "host"),
    [
        ("https://bedrock-runtime.eu-west-1.amazonaws.com", "bedrock.eu-west-1.amazonaws.com"),
        (
            "https://bedrock-runtime-fips.us-east-1.amazonaws.com",
            "bedrock-fips.us-east-1.amazonaws.com",
        ),
        (
            "https://bedrock-runtime.cn-north-1.amazonaws.com.cn",
            "bedrock.cn-north-1.amazonaws.com.cn",
        ),
        ("https://proxy.example/aws", "proxy.example/aws"),
    ],
)
def test_both_lists_are_on_the_control_plane_of_the_region(base_url: str, host: str) -> None:
    assert list_urls(base_url) == [
        f"https://{host}/foundation-models?byInferenceType=ON_DEMAND",
        f"https://{host}/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED",
    ]


def test_a_page_names_the_next_one() -> None:
    assert next_url(FIRST, response({"nextToken": "a+/=&"})) == f"{FIRST}&nextToken=a%2B%2F%3D%26"


@pytest.mark.parametrize(
    "body",
    [{}, {"nextToken": None}, {"nextToken": ""}, {"nextToken": 7}, {"nextToken": "x" * 3000}],
)
def test_another_page_names_none(body: Any) -> None:
    assert next_url(FIRST, response(body)) is None


def test_a_model_is_listed_by_the_id_that_calls_it() -> None:
    models = [
        {
            "modelId": "a.text",
            "outputModalities": ["TEXT"],
            "inferenceTypesSupported": ["ON_DEMAND"],
        },
        {"modelId": "a.embed", "outputModalities": ["EMBEDDING"]},
        {"modelId": "a.image", "outputModalities": ["IMAGE"]},
        {"modelId": "a.profile", "inferenceTypesSupported": ["INFERENCE_PROFILE"]},
        {"modelId": 7},
        "nonsense",
    ]

    assert model_ids(response({"modelSummaries": models})) == ["a.text", "a.embed"]


def test_only_active_profiles_are_listed() -> None:
    profiles = [
        {"inferenceProfileId": "us.a.b", "status": "ACTIVE"},
        {"inferenceProfileId": "us.a.c", "status": "INACTIVE"},
    ]

    assert model_ids(response({"inferenceProfileSummaries": profiles})) == ["us.a.b"]


@pytest.mark.parametrize("body", [{}, [], {"modelSummaries": 7}, {"modelSummaries": [{}] * 10_001}])
def test_no_list_is_an_error(body: Any) -> None:
    with pytest.raises(UpstreamError):
        model_ids(response(body))


def test_the_dialect_of_the_row_has_pages() -> None:
    assert isinstance(load_dialect(CATALOG["bedrock"].dialect), PagedModels)
