"""Test the authorization of routes and the permissions of functions in the template."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.template_queries import Stack, of_type, properties

Transform = Callable[..., Stack]

GUARDED = {
    ("post", "/v1/chat"),
    ("post", "/v1/chat/completions"),
    ("post", "/v1/completions"),
    ("post", "/v1/messages"),
    ("post", "/v1/messages/count_tokens"),
    ("post", "/v1/embeddings"),
    ("post", "/v1/responses"),
    ("get", "/v1/chat/providers"),
    ("get", "/v1/models"),
    ("get", "/v1/models/{id+}"),
    ("get", "/v1/responses/{id}"),
    ("delete", "/v1/responses/{id}"),
    ("get", "/v1/responses/{id}/input_items"),
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
def test_every_route_requires_the_authorization_of_its_mode(
    transform: Transform, mode: str
) -> None:
    security = {at: op["security"] for at, op in operations(transform(AuthMode=mode)).items()}

    assert security == {
        **{route: [{mode: []}] for route in GUARDED},
        **{route: [{"NONE": []}] for route in OPEN},
    }


def test_the_default_mode_is_caller_key(stack: Stack, transform: Transform) -> None:
    assert operations(transform(AuthMode="CallerKey")) == operations(stack)


def test_integrations_do_not_use_the_caller_s_credentials(
    transform: Transform,
) -> None:
    for operation in operations(transform(AuthMode="AWS_IAM")).values():
        assert "credentials" not in operation["x-amazon-apigateway-integration"]


def test_the_iam_scheme_is_sigv4(transform: Transform) -> None:
    body = properties(transform(AuthMode="AWS_IAM"), "Api")["Body"]

    scheme = body["components"]["securitySchemes"]["AWS_IAM"]

    assert scheme["x-amazon-apigateway-authtype"] == "awsSigv4"


def test_the_authorizer_runs_for_every_request_without_a_cache(stack: Stack) -> None:
    scheme = properties(stack, "Api")["Body"]["components"]["securitySchemes"]["CallerKey"]

    authorizer = scheme["x-amazon-apigateway-authorizer"]

    assert authorizer["type"] == "request"
    assert authorizer["authorizerResultTtlInSeconds"] == 0
    assert "identitySource" not in authorizer


def test_data_trace_logs_are_disabled(stack: Stack) -> None:
    settings = properties(stack, "ApiliveStage")["MethodSettings"]

    assert [setting["DataTraceEnabled"] for setting in settings] == [False]


def test_the_api_has_one_stage(stack: Stack) -> None:
    assert list(of_type(stack, "AWS::ApiGateway::Stage")) == ["ApiliveStage"]


LOGS = ["logs:CreateLogStream", "logs:PutLogEvents"]
# A conditional write returns the existing record, so no read permission is needed.
WRITES = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]
ANSWERS = {"Fn::GetAtt": ["IdempotencyRecords", "Arn"]}


def allow(action: object, resource: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


CIRCUITS = allow(
    ["dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem"],
    {"Fn::GetAtt": ["CircuitsTable", "Arn"]},
)
RESPONSES = allow(
    ["dynamodb:BatchGetItem", "dynamodb:BatchWriteItem"],
    {"Fn::GetAtt": ["ResponsesTable", "Arn"]},
)


def test_each_role_has_exactly_its_function_s_permissions(stack: Stack) -> None:
    permissions = {
        name: policy["Properties"]["PolicyDocument"]["Statement"]
        for name, policy in of_type(stack, "AWS::IAM::ManagedPolicy").items()
        if "Bedrock" not in name  # test_bedrock.py has their permissions
    }
    network = permissions["ChatPolicy"].pop()

    assert permissions["ProvidersPolicy"].pop() == network

    assert permissions == {
        "ChatPolicy": [
            allow(LOGS, {"Fn::GetAtt": ["ChatLogs", "Arn"]}),
            allow("secretsmanager:GetSecretValue", SECRET),
            allow("sqs:SendMessage", {"Fn::GetAtt": ["FailedRequests", "Arn"]}),
            {"Fn::If": ["SharesCircuits", CIRCUITS, {"Ref": "AWS::NoValue"}]},
            {"Fn::If": ["KeepsAnswers", allow(WRITES, ANSWERS), {"Ref": "AWS::NoValue"}]},
            {"Fn::If": ["StoresResponses", RESPONSES, {"Ref": "AWS::NoValue"}]},
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


def test_each_function_has_its_own_role_with_its_own_policies(stack: Stack) -> None:
    roles = of_type(stack, "AWS::IAM::Role")

    assert set(roles) == {"ChatRole", "ProvidersRole", "AuthorizerRole"}
    for name, role in roles.items():
        policy = name.replace("Role", "Policy")

        own, *bedrock = role["Properties"]["ManagedPolicyArns"]
        assert own == {"Ref": policy}
        assert [one["Fn::If"][1] for one in bedrock] == [
            {"Ref": name.replace("Role", "BedrockPolicy")} for _ in bedrock
        ]
        assert "Policies" not in role["Properties"]
        assert properties(stack, name.replace("Role", "Function"))["Role"] == {
            "Fn::GetAtt": [name, "Arn"]
        }


def test_secrets_are_retained_after_the_stack_is_deleted(stack: Stack) -> None:
    secrets = of_type(stack, "AWS::SecretsManager::Secret")

    assert set(secrets) == {"ProviderSecret", "CallersSecret"}
    for secret in secrets.values():
        # A failed first deployment leaves no secret.
        assert secret["DeletionPolicy"] == "RetainExceptOnCreate"
        assert secret["UpdateReplacePolicy"] == "Retain"


def test_a_new_stack_has_no_caller_and_no_provider_key(stack: Stack) -> None:
    generated = properties(stack, "CallersSecret")["GenerateSecretString"]

    assert generated["SecretStringTemplate"] == '{"callers": {}}'
    assert generated["GenerateStringKey"] == "pepper"
    assert generated["PasswordLength"] >= 43
    assert properties(stack, "ProviderSecret")["SecretString"] == "{}"


def test_an_existing_secret_replaces_the_stack_s_secret(stack: Stack) -> None:
    assert stack["Resources"]["ProviderSecret"]["Condition"] == "MakesProviderSecret"
    assert stack["Conditions"]["MakesProviderSecret"] == {
        "Fn::Equals": [{"Ref": "ProviderSecretArn"}, ""]
    }


def test_no_environment_contains_a_secret_value(stack: Stack) -> None:
    for function in of_type(stack, "AWS::Lambda::Function").values():
        variables = function["Properties"]["Environment"]["Variables"]
        keys = {name: value for name, value in variables.items() if name.endswith("_API_KEY")}

        assert set(keys.values()) == {""}
        assert "{{resolve" not in str(variables)


def test_each_function_has_only_the_name_of_its_secret(stack: Stack) -> None:
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
