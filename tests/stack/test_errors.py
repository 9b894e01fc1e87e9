"""Test that API Gateway's own errors have the gateway's error shape."""

from __future__ import annotations

import json
from typing import Any

import pytest

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


def templates(response: dict[str, Any]) -> list[str]:
    template = response["responseTemplates"]["application/json"]
    return template["Fn::If"][1:] if isinstance(template, dict) else [template]


def test_the_template_defines_every_expected_gateway_response(stack: Stack) -> None:
    assert set(responses(stack)) == set(EXPECTED)


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_body_has_the_gateway_s_error_shape(stack: Stack, kind: str) -> None:
    response = responses(stack)[kind]
    status, error_type, code = EXPECTED[kind]

    assert response.get("statusCode") == status
    for template in templates(response):
        for variable, value in CONTEXT.items():
            template = template.replace(variable, value)  # noqa: PLW2901  # as API Gateway does
        error = json.loads(template)["error"]
        message = error.pop("message")

        assert isinstance(message, str)
        assert "$" not in template
        assert error == {
            "type": error_type,
            "param": None,
            "code": code,
            "request_id": "id-1",
        }


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
