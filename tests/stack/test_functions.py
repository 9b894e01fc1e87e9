"""Test the functions' aliases, asynchronous calls, logs, alarms, dashboard and parameters."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from chatd.config.catalog import CATALOG
from chatd.surfaces import SURFACES
from tests.stack.template_queries import Stack, of_type, properties, references

Transform = Callable[..., Stack]

FUNCTIONS = ("ChatFunction", "ProvidersFunction", "AuthorizerFunction")


def test_snapstart_applies_to_chat_and_authorizer_and_a_change_publishes_a_version(
    stack: Stack,
) -> None:
    snapstart = {name: properties(stack, name).get("SnapStart") for name in FUNCTIONS}
    switch = {"ApplyOn": {"Fn::If": ["SnapStarts", "PublishedVersions", "None"]}}

    assert snapstart == {
        "ChatFunction": switch,
        "ProvidersFunction": None,
        "AuthorizerFunction": switch,
    }
    assert stack["Parameters"]["SnapStart"]["Default"] == "false"
    assert stack["Conditions"]["SnapStarts"] == {"Fn::Equals": [{"Ref": "SnapStart"}, "true"]}
    for policy in ("ChatPolicy", "AuthorizerPolicy"):
        assert "SnapStart" in references(properties(stack, policy)["Description"])


def test_the_api_invokes_only_the_aliases(stack: Stack) -> None:
    body = json.dumps(properties(stack, "Api")["Body"])
    invoked = set(re.findall(r"functions/\$\{(\w+)\}/[a-z-]*invocations", body))
    permission = properties(stack, "AuthorizerPermission")

    assert invoked == {"ChatFunctionAliaslive", "ProvidersFunctionAliaslive", "__FunctionArn__"}
    assert ":function:${AuthorizerFunction}:live" in body
    assert permission["FunctionName"] == {"Ref": "AuthorizerFunctionAliaslive"}
    assert permission["Principal"] == "apigateway.amazonaws.com"
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${Api}/authorizers/*")


def test_outputs_name_the_aliases(stack: Stack) -> None:
    assert stack["Outputs"]["ChatFunctionArn"]["Value"] == {"Ref": "ChatFunctionAliaslive"}
    assert stack["Outputs"]["ProvidersFunctionArn"]["Value"] == {
        "Ref": "ProvidersFunctionAliaslive"
    }


def test_an_asynchronous_chat_is_not_retried_and_its_failure_is_queued(stack: Stack) -> None:
    configs = [c["Properties"] for c in of_type(stack, "AWS::Lambda::EventInvokeConfig").values()]

    assert {config["Qualifier"] for config in configs} == {"live", "$LATEST"}
    for config in configs:
        assert config["FunctionName"] == {"Ref": "ChatFunction"}
        assert config["MaximumRetryAttempts"] == 0
        assert config["DestinationConfig"]["OnFailure"]["Destination"] == {
            "Fn::GetAtt": ["FailedRequests", "Arn"]
        }


def test_failed_requests_are_encrypted_and_kept_for_14_days(stack: Stack) -> None:
    queue = properties(stack, "FailedRequests")

    assert queue["SqsManagedSseEnabled"] is True
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 60 * 60


@pytest.mark.parametrize("name", FUNCTIONS)
def test_logs_are_json_in_a_group_with_retention(stack: Stack, name: str) -> None:
    group = name.replace("Function", "Logs")

    assert properties(stack, name)["LoggingConfig"] == {
        "LogFormat": "JSON",
        "LogGroup": {"Ref": group},
    }
    assert properties(stack, group)["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_all_functions_have_one_architecture_and_runtime(stack: Stack) -> None:
    for name in FUNCTIONS:
        assert properties(stack, name)["Runtime"] == "python3.13"
        assert properties(stack, name)["Architectures"] == [{"Ref": "Architecture"}]


def integrations(stack: Stack) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the integration of each method and path."""
    paths = properties(stack, "Api")["Body"]["paths"]
    return {
        (method, path): operation["x-amazon-apigateway-integration"]
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


def test_a_whole_response_ends_before_api_gateway_s_idle_timeout(stack: Stack) -> None:
    variables = properties(stack, "ChatFunction")["Environment"]["Variables"]

    assert 200 < float(variables["CHATD_HTTP_WHOLE_SECONDS"]) <= 290


def test_a_stream_may_take_api_gateway_s_limit_of_15_minutes(stack: Stack) -> None:
    chat = properties(stack, "ChatFunction")
    seconds = float(chat["Environment"]["Variables"]["CHATD_HTTP_SECONDS"])

    for path in (entry.path for entry in SURFACES.values()):
        assert integrations(stack)["post", path]["timeoutInMillis"] == 900_000 == seconds * 1000
    assert chat["Timeout"] == 900


def test_only_routes_of_the_chat_function_stream(stack: Stack) -> None:
    variables = {
        name: properties(stack, name)["Environment"]["Variables"].get("AWS_LAMBDA_EXEC_WRAPPER")
        for name in FUNCTIONS
    }

    assert variables == {
        "ChatFunction": "/var/task/chatd/bootstrap",
        "ProvidersFunction": None,
        "AuthorizerFunction": None,
    }
    for route, integration in integrations(stack).items():
        uri, mode = integration["uri"]["Fn::Sub"], integration.get("responseTransferMode")
        streams = uri.endswith("/response-streaming-invocations")
        is_chat = "${ChatFunctionAliaslive}" in uri

        assert (mode, streams) == (("STREAM", True) if is_chat else (None, False)), route


def test_a_preflight_and_its_path_have_different_functions(stack: Stack) -> None:
    invoked = {route: item["uri"]["Fn::Sub"] for route, item in integrations(stack).items()}

    for (method, path), uri in invoked.items():
        if method != "options" and ("options", path) in invoked:
            assert ("ChatFunction" in uri) != ("ChatFunction" in invoked["options", path])


def test_every_variable_of_sam_local_is_declared(stack: Stack) -> None:
    variables = properties(stack, "ChatFunction")["Environment"]["Variables"]

    assert set(variables) >= {
        *(
            name
            for row in CATALOG.values()
            for name in (row.base_url_variable, row.key_variable)
            if name
        ),
        *("CHATD_CONFIG", "CHATD_SECRET_ID", "CHATD_DEFAULT_PROVIDER"),
        *("CHATD_HTTP_SECONDS", "CHATD_CORS_ORIGINS", "AWS_ENDPOINT_URL_SECRETS_MANAGER"),
        *("CHATD_CIRCUITS_TABLE", "CHATD_IDEMPOTENCY_TABLE", "AWS_ENDPOINT_URL_DYNAMODB"),
    }


def test_the_circuits_table_exists_only_with_shared_circuits(stack: Stack) -> None:
    table = stack["Resources"]["CircuitsTable"]
    variables = properties(stack, "ChatFunction")["Environment"]["Variables"]

    assert stack["Parameters"]["SharedCircuits"]["Default"] == "false"
    assert stack["Conditions"]["SharesCircuits"] == {
        "Fn::Equals": [{"Ref": "SharedCircuits"}, "true"]
    }
    assert (table["Condition"], table["DeletionPolicy"]) == ("SharesCircuits", "Delete")
    assert variables["CHATD_CIRCUITS_TABLE"] == {
        "Fn::If": ["SharesCircuits", {"Ref": "CircuitsTable"}, ""]
    }


def test_the_circuits_table_is_billed_per_request_and_expires_items(stack: Stack) -> None:
    table = properties(stack, "CircuitsTable")

    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert table["SSESpecification"] == {"SSEEnabled": True}


def test_missing_data_raises_no_alarm(stack: Stack) -> None:
    for alarm in of_type(stack, "AWS::CloudWatch::Alarm").values():
        assert alarm["Properties"]["TreatMissingData"] == "notBreaching"


def test_the_dashboard_is_json_and_shows_the_gateway_s_metrics(stack: Stack) -> None:
    text = properties(stack, "Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets = json.loads(re.sub(r"\$\{[^}]+\}", "x", text))["widgets"]
    expressions = [
        metric[0]["expression"]
        for widget in widgets
        for metric in widget["properties"]["metrics"]
        if isinstance(metric[0], dict)
    ]
    shown = {
        re.sub(r"^SEARCH\('\{\"chatd/x\",Provider\} MetricName=\"(\w+)\".*", r"\1", e)
        for e in expressions
    }

    assert shown == {
        *("Requests", "Errors", "InputTokens", "OutputTokens"),
        *("UpstreamLatency", "GatewayOverhead"),
    }


def test_metrics_and_dashboards_are_separate_per_stack_and_region(stack: Stack) -> None:
    variables = properties(stack, "ChatFunction")["Environment"]["Variables"]
    dashboard = properties(stack, "Dashboard")

    assert dashboard["DashboardName"] == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}
    assert variables["CHATD_METRICS_NAMESPACE"] == {"Fn::Sub": "chatd/${AWS::StackName}"}
    assert dashboard["DashboardBody"]["Fn::Sub"].count('{\\"chatd/${AWS::StackName}\\",') == 6


def test_every_resource_name_contains_the_stack_name(stack: Stack) -> None:
    name_properties = (
        "FunctionName",
        "LogGroupName",
        "DashboardName",
        "QueueName",
        "TableName",
        "RoleName",
    )
    named = {
        (name, key): json.dumps(resource["Properties"][key])
        for name, resource in stack["Resources"].items()
        for key in (*name_properties, "ManagedPolicyName", "AlarmName", "LayerName")
        if key in resource.get("Properties", {})
        and resource["Type"].split("::")[-1]
        in ("Function", "LogGroup", "Dashboard", "Queue", "Table", "Role", "ManagedPolicy", "Alarm")
    }

    assert len(named) == 7
    assert [at for at, value in named.items() if "AWS::StackName" not in value] == []


def test_the_dashboard_url_uses_the_partition_s_console_host(stack: Stack) -> None:
    template, values = stack["Outputs"]["DashboardUrl"]["Value"]["Fn::Sub"]

    assert template.startswith("https://${AWS::Region}.${Host}/cloudwatch/")
    gov = ["InGovCloud", "console.amazonaws-us-gov.com", "console.aws.amazon.com"]
    assert values == {"Host": {"Fn::If": ["InChina", "console.amazonaws.cn", {"Fn::If": gov}]}}
    for condition, partition in (("InChina", "aws-cn"), ("InGovCloud", "aws-us-gov")):
        decides = {"Fn::Equals": [{"Ref": "AWS::Partition"}, partition]}
        assert stack["Conditions"][condition] == decides


def test_only_functions_that_call_ollama_are_in_the_vpc(stack: Stack) -> None:
    networks = {name: properties(stack, name).get("VpcConfig") for name in FUNCTIONS}

    assert properties(stack, "ChatFunction")["VpcConfig"]["Fn::If"][0] == "InVpc"
    assert networks["ProvidersFunction"] == networks["ChatFunction"]
    assert networks["AuthorizerFunction"] is None


@pytest.mark.parametrize(
    ("parameter", "good", "bad"),
    [
        (
            "OllamaUrl",
            ["", "http://10.0.0.5:11434", "https://o.example.com/x"],
            ["10.0.0.5", "ftp://x"],
        ),
        (
            "CorsOrigins",
            [
                *("", "*", "null", "https://a.b", "https://a.b,http://localhost:3000"),
                *("app://obsidian.md,vscode-webview://*,null", "file://"),
            ],
            ["a.b", "https://a.b/", "https://", "https://a.b/path", "*,https://a.b"],
        ),
        ("SubnetIds", ["", "subnet-0a1b,subnet-2c"], ["subnet-0a1b, subnet-2c", "vpc-1"]),
        ("SecurityGroupIds", ["", "sg-0a1b"], ["default"]),
        ("ReservedConcurrency", ["", "0", "50"], ["-1", "many"]),
        ("DefaultProvider", ["", "ollama_cloud"], ["Ollama", "a b"]),
        (
            "ProviderSecretArn",
            ["", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:chatd-AbCdEf"],
            ["chatd", "arn:aws:iam::123456789012:role/x"],
        ),
    ],
)
def test_a_parameter_accepts_only_valid_values(
    stack: Stack, parameter: str, good: list[str], bad: list[str]
) -> None:
    pattern = stack["Parameters"][parameter]["AllowedPattern"]

    assert [value for value in good if not re.fullmatch(pattern, value)] == []
    assert [value for value in bad if re.fullmatch(pattern, value)] == []


def test_subnets_without_security_groups_are_refused(stack: Stack) -> None:
    assertion = stack["Rules"]["VpcIsWhole"]["Assertions"][0]

    assert set(references(assertion["Assert"])) == {"SubnetIds", "SecurityGroupIds"}


def test_every_parameter_has_a_description_a_label_and_a_group(stack: Stack) -> None:
    interface = stack["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(stack["Parameters"])
    assert set(interface["ParameterLabels"]) == set(stack["Parameters"])
    assert all(parameter["Description"] for parameter in stack["Parameters"].values())
