"""Who gets in, and what each function may do: read from the transformed template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.template_queries import Stack, of_type, properties

Transform = Callable[..., Stack]

GUARDED = {
    ("post", "/v1/chat"),
    ("post", "/v1/chat/completions"),
    ("get", "/v1/chat/providers"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{id+}"),
}
PREFLIGHTS = {("options", path) for _, path in GUARDED}
OPEN = {("get", "/health"), ("get", "/openapi.json"), ("get", "/docs"), *PREFLIGHTS}
SECRET = {
    "Fn::If": ["MakesProviderSecret", {"Ref": "ProviderSecret"}, {"Ref": "ProviderSecretArn"}]
}


def operations(stack: Stack) -> dict[tuple[str, str], Any]:
    paths = stack["Resources"]["Api"]["Properties"]["Body"]["paths"]
    return {
        (method, path): operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@pytest.mark.parametrize("mode", ["CallerKey", "AWS_IAM"])
def test_every_route_has_the_security_of_its_mode(transform: Transform, mode: str) -> None:
    security = {at: op["security"] for at, op in operations(transform(AuthMode=mode)).items()}

    assert security == {
        **{route: [{mode: []}] for route in GUARDED},
        **{route: [{"NONE": []}] for route in OPEN},
    }


def test_the_mode_is_caller_key_unless_said_otherwise(stack: Stack, transform: Transform) -> None:
    assert operations(transform(AuthMode="CallerKey")) == operations(stack)


def test_signed_requests_do_not_lend_their_credentials_to_the_integration(
    transform: Transform,
) -> None:
    for operation in operations(transform(AuthMode="AWS_IAM")).values():
        assert "credentials" not in operation["x-amazon-apigateway-integration"]


def test_the_iam_scheme_is_sigv4(transform: Transform) -> None:
    body = properties(transform(AuthMode="AWS_IAM"), "Api")["Body"]

    scheme = body["components"]["securitySchemes"]["AWS_IAM"]

    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_the_authorizer_is_asked_about_every_request_whatever_headers_it_has(stack: Stack) -> None:
    scheme = properties(stack, "Api")["Body"]["components"]["securitySchemes"]["CallerKey"]

    authorizer = scheme["x-amazon-apigateway-authorizer"]

    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in authorizer


def test_prompts_are_not_traced_into_logs(stack: Stack) -> None:
    settings = properties(stack, "ApiliveStage")["MethodSettings"]

    assert [setting["DataTraceEnabled"] for setting in settings] == [False]


def test_the_api_has_one_stage(stack: Stack) -> None:
    assert list(of_type(stack, "AWS::ApiGateway::Stage")) == ["ApiliveStage"]


LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]
# A write that meets a record is answered with it, so nothing needs to be read.
WRITES = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
ANSWERS = {"Fn::GetAtt": ["IdempotencyRecords", "Arn"]}


def allow(action: object, resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


CIRCUITS = allow(
    ["dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"],
    {"Fn::GetAtt": ["CircuitsTable", "Arn"]},
)


def test_each_role_may_do_exactly_what_its_function_does(stack: Stack) -> None:
    may = {
        name: policy["Properties"]["PolicyDocument"]["Statement"]
        for name, policy in of_type(stack, "AWS::IAM::ManagedPolicy").items()
    }
    network = may["ChatPolicy"].pop()

    assert may["ProvidersPolicy"].pop() == network

    assert may == {
        "ChatPolicy": [
            allow(LOGS, {"Fn::GetAtt": ["ChatLogs", "Arn"]}),
            allow("secretsmanager:GetSecretValue", SECRET),
            allow("sqs:SendMessage", {"Fn::GetAtt": ["FailedRequests", "Arn"]}),
            {"Fn::If": ["SharesCircuits", CIRCUITS, {"Ref": "AWS::NoValue"}]},
            {"Fn::If": ["KeepsAnswers", allow(WRITES, ANSWERS), {"Ref": "AWS::NoValue"}]},
        ],
        "ProvidersPolicy": [
            allow(LOGS, {"Fn::GetAtt": ["ProvidersLogs", "Arn"]}),
            allow("secretsmanager:GetSecretValue", SECRET),
        ],
        "AuthorizerPolicy": [
            allow(LOGS, {"Fn::GetAtt": ["AuthorizerLogs", "Arn"]}),
            allow("secretsmanager:GetSecretValue", {"Ref": "CallersSecret"}),
        ],
    }
    assert network["Fn::If"][0] == "InVpc"
    assert all(action.startswith("ec2:") for action in network["Fn::If"][1]["Action"])
    assert network["Fn::If"][2] == {"Ref": "AWS::NoValue"}


def test_each_function_has_a_role_of_its_own_and_nothing_else(stack: Stack) -> None:
    roles = of_type(stack, "AWS::IAM::Role")

    assert set(roles) == {"ChatRole", "ProvidersRole", "AuthorizerRole"}
    for name, role in roles.items():
        policy = name.replace("Role", "Policy")

        assert role["Properties"]["ManagedPolicyArns"] == [{"Ref": policy}]
        assert "Policies" not in role["Properties"]
        assert properties(stack, name.replace("Role", "Function"))["Role"] == {
            "Fn::GetAtt": [name, "Arn"]
        }


def test_secrets_outlive_the_stack(stack: Stack) -> None:
    secrets = of_type(stack, "AWS::SecretsManager::Secret")

    assert set(secrets) == {"ProviderSecret", "CallersSecret"}
    for secret in secrets.values():
        # A first deployment that fails leaves none behind.
        assert secret["DeletionPolicy"] == "RetainExceptOnCreate"
        assert secret["UpdateReplacePolicy"] == "Retain"


def test_a_new_stack_admits_nobody_and_holds_no_key(stack: Stack) -> None:
    generated = properties(stack, "CallersSecret")["GenerateSecretString"]

    assert generated["SecretStringTemplate"] == '{"callers": {}}'
    assert generated["GenerateStringKey"] == "pepper"
    assert generated["PasswordLength"] >= 43
    assert properties(stack, "ProviderSecret")["SecretString"] == "{}"


def test_a_secret_of_one_s_own_is_used_instead_of_a_new_one(stack: Stack) -> None:
    assert stack["Resources"]["ProviderSecret"]["Condition"] == "MakesProviderSecret"
    assert stack["Conditions"]["MakesProviderSecret"] == {
        "Fn::Equals": [{"Ref": "ProviderSecretArn"}, ""]
    }


def test_no_secret_s_value_reaches_an_environment(stack: Stack) -> None:
    for function in of_type(stack, "AWS::Lambda::Function").values():
        variables = function["Properties"]["Environment"]["Variables"]
        keys = {name: value for name, value in variables.items() if name.endswith("_API_KEY")}

        assert set(keys.values()) == {""}
        assert "{{resolve" not in str(variables)


def test_only_the_function_that_needs_a_secret_knows_its_name(stack: Stack) -> None:
    named = {
        function: [name for name in variables if name.endswith("SECRET_ID")]
        for function in ("ChatFunction", "ProvidersFunction", "AuthorizerFunction")
        if (variables := properties(stack, function)["Environment"]["Variables"])
    }

    assert named == {
        "ChatFunction": ["CHATD_SECRET_ID"],
        "ProvidersFunction": ["CHATD_SECRET_ID"],
        "AuthorizerFunction": ["CHATD_CALLERS_SECRET_ID"],
    }
