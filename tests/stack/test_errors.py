"""Test that API Gateway's own errors have one body that every vendor's SDK reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.safe_json.request_size import MAX_REQUEST_BYTES, too_many_bytes

Stack = dict[str, Any]

# Values of the context variables in a gateway response.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html
CONTEXT = {
    "$context.error.messageString": '"A \\"quoted\\" message."',
    "$context.requestId": "id-1",
}

EXPECTED = {
    "DEFAULT_4XX": (None, "invalid_request_error", "invalid_request"),
    "DEFAULT_5XX": (None, "api_error", "internal_error"),
    "UNAUTHORIZED": ("401", "authentication_error", "invalid_api_key"),
    "ACCESS_DENIED": ("403", "permission_error", "access_denied"),
    "INVALID_SIGNATURE": ("403", "authentication_error", "invalid_signature"),
    "EXPIRED_TOKEN": ("403", "authentication_error", "expired_token"),
    "MISSING_AUTHENTICATION_TOKEN": ("404", "invalid_request_error", "route_not_found"),
    "RESOURCE_NOT_FOUND": ("404", "invalid_request_error", "route_not_found"),
    "REQUEST_TOO_LARGE": ("413", "invalid_request_error", "request_too_large"),
    "THROTTLED": ("429", "rate_limit_error", "rate_limit_exceeded"),
    "QUOTA_EXCEEDED": ("429", "insufficient_quota", "insufficient_quota"),
    "WAF_FILTERED": ("403", "permission_error", "access_denied"),
    "INTEGRATION_FAILURE": ("503", "api_error", "overloaded"),
    "INTEGRATION_TIMEOUT": ("504", "timeout_error", "gateway_timeout"),
    "AUTHORIZER_FAILURE": ("503", "api_error", "authorizer_failure"),
    "AUTHORIZER_CONFIGURATION_ERROR": ("503", "api_error", "authorizer_failure"),
}


def responses(stack: Stack) -> dict[str, Any]:
    body = stack["Resources"]["Api"]["Properties"]["Body"]
    found: dict[str, Any] = body["x-amazon-apigateway-gateway-responses"]
    return found


def bodies(response: dict[str, Any]) -> list[dict[str, Any]]:
    """Return each body that a template may give, with the variables replaced."""
    template = response["responseTemplates"]["application/json"]
    texts = template["Fn::If"][1:] if isinstance(template, dict) else [template]
    for variable, value in CONTEXT.items():
        texts = [text.replace(variable, value) for text in texts]
    assert "$" not in "".join(texts)
    return [json.loads(text) for text in texts]


def test_the_template_defines_every_expected_gateway_response(stack: Stack) -> None:
    assert set(responses(stack)) == set(EXPECTED)


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_body_has_the_gateway_s_error_shape(stack: Stack, kind: str) -> None:
    response = responses(stack)[kind]
    status, error_type, code = EXPECTED[kind]

    assert response.get("statusCode") == status
    for body in bodies(response):
        error = body["error"]
        message = error.pop("message")

        assert isinstance(message, str)
        assert error == {
            "type": error_type,
            "param": None,
            "code": code,
            "request_id": "id-1",
        }


@pytest.mark.parametrize("kind", EXPECTED)
def test_openai_s_sdks_read_message_type_and_code(stack: Stack, kind: str) -> None:
    # `data = body.get("error", body)`, then message, type, param and code of `data`:
    # https://github.com/openai/openai-python/blob/main/src/openai/_client.py
    parameters = responses(stack)[kind]["responseParameters"]
    for body in bodies(responses(stack)[kind]):
        data = body.get("error", body)

        assert (data["type"], data["code"]) == EXPECTED[kind][1:]
        assert data["message"]
    assert parameters["gatewayresponse.header.x-request-id"] == "context.requestId"


@pytest.mark.parametrize("kind", EXPECTED)
def test_anthropic_s_sdks_read_message_type_and_request_id(stack: Stack, kind: str) -> None:
    # An ErrorResponse is {type: "error", error: {type, message}, request_id}; the SDKs take the
    # type from `body.error.type` and the id from the header `request-id`:
    # https://github.com/anthropics/anthropic-sdk-typescript/blob/main/src/core/error.ts
    parameters = responses(stack)[kind]["responseParameters"]
    for body in bodies(responses(stack)[kind]):
        assert (body["type"], body["request_id"]) == ("error", "id-1")
        assert body["error"]["type"] == EXPECTED[kind][1]
        assert body["error"]["message"]
    assert parameters["gatewayresponse.header.request-id"] == "context.requestId"


def test_a_request_that_is_too_large_gets_the_figures_and_a_remedy(stack: Stack) -> None:
    (body,) = bodies(responses(stack)["REQUEST_TOO_LARGE"])

    assert "the 6 MB that Lambda takes" in body["error"]["message"]
    remedy = too_many_bytes(MAX_REQUEST_BYTES).partition(" MB), ")[2]
    assert (
        body["error"]["message"]
        .rstrip(".")
        .endswith(f"at most {MAX_REQUEST_BYTES // 1024 // 1024} MB, {remedy}")
    )


def test_cors_headers_depend_on_the_allowed_origins(stack: Stack) -> None:
    for response in responses(stack).values():
        parameters = response["responseParameters"]

        assert parameters["gatewayresponse.header.Access-Control-Allow-Origin"] == {
            "Fn::If": ["AllowsCors", "method.request.header.Origin", {"Ref": "AWS::NoValue"}]
        }
        assert parameters["gatewayresponse.header.Vary"] == "'Origin'"


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [
        ("THROTTLED", "1"),
        ("INTEGRATION_FAILURE", "5"),  # Lambda's throttle
        ("AUTHORIZER_FAILURE", "5"),
        ("AUTHORIZER_CONFIGURATION_ERROR", "5"),  # the throttle of the authorizer
    ],
)
def test_temporary_errors_have_a_retry_after(stack: Stack, kind: str, seconds: str) -> None:
    parameters = responses(stack)[kind]["responseParameters"]

    assert parameters["gatewayresponse.header.Retry-After"] == f"'{seconds}'"


def test_an_exhausted_quota_has_no_retry_after(stack: Stack) -> None:
    parameters = responses(stack)["QUOTA_EXCEEDED"]["responseParameters"]

    assert "gatewayresponse.header.Retry-After" not in parameters
    assert parameters["gatewayresponse.header.x-should-retry"] == "'false'"
