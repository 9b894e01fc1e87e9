"""Test the template for Managed Instances against template.yaml."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stack.template_queries import Stack, of_type, properties, references
from tests.stack.test_functions import FUNCTIONS, integrations
from tests.stack.test_lint import BIN

# Resources that deploy/managed_instances.yaml changes; each has its own tests.
CHANGED = {"ChatFunction", "ChatPolicy", "ProvidersFunction", "ProvidersPolicy"}


def without(properties: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if name not in names}


@pytest.mark.parametrize(
    "command",
    [
        ["sam", "validate", "--template"],
        ["sam", "validate", "--lint", "--template"],
        ["cfn-lint", "-a", "cfn_lint_serverless.rules", "--"],
    ],
    ids=" ".join,
)
def test_the_template_passes_sam_validate_and_cfn_lint(
    command: list[str], instances_template: Path
) -> None:
    result = subprocess.run(
        [BIN / command[0], *command[1:], instances_template],
        env={**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "SAM_CLI_TELEMETRY": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_transformed_template_passes_cfn_lint(instances_stack: Stack, tmp_path: Path) -> None:
    stack = tmp_path / "stack.json"
    stack.write_text(json.dumps(instances_stack))

    result = subprocess.run(
        [BIN / "cfn-lint", "--regions", "us-east-1", "--", stack],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout


def test_only_the_chat_function_runs_on_instances(instances_stack: Stack) -> None:
    on_instances = {
        name: "CapacityProviderConfig" in properties(instances_stack, name) for name in FUNCTIONS
    }

    assert on_instances == {
        "ChatFunction": True,
        "ProvidersFunction": False,
        "AuthorizerFunction": False,
    }


def test_the_chat_function_differs_only_in_its_capacity(
    stack: Stack, instances_stack: Stack
) -> None:
    default, instances = (properties(of, "ChatFunction") for of in (stack, instances_stack))
    capacity = ("MemorySize", "SnapStart", "VpcConfig", "ReservedConcurrentExecutions")

    assert without(instances, "CapacityProviderConfig", "FunctionScalingConfig", "MemorySize") == (
        without(default, *capacity)
    )
    assert instances["MemorySize"] >= 2048


def test_an_environment_has_memory_for_a_process_per_chat(
    instances_stack: Stack,
) -> None:
    config = properties(instances_stack, "ChatFunction")["CapacityProviderConfig"]
    inner = config["LambdaManagedInstancesCapacityProviderConfig"]
    chats = instances_stack["Parameters"]["ChatsPerEnvironment"]

    assert inner["PerExecutionEnvironmentMaxConcurrency"] == {"Ref": "ChatsPerEnvironment"}
    assert chats["MaxValue"] * 40 < properties(instances_stack, "ChatFunction")["MemorySize"]


def test_the_instances_use_the_given_vpc_and_a_vcpu_limit(instances_stack: Stack) -> None:
    capacity = properties(instances_stack, "Capacity")

    assert set(references(capacity["VpcConfig"])) == {"SubnetIds", "SecurityGroupIds"}
    assert capacity["CapacityProviderScalingConfig"]["MaxVCpuCount"] == {"Ref": "MaxVcpus"}
    for name in ("SubnetIds", "SecurityGroupIds"):
        assert "Default" not in instances_stack["Parameters"][name]


def test_a_replaced_version_is_deleted_with_its_instances(
    instances_stack: Stack,
) -> None:
    versions = of_type(instances_stack, "AWS::Lambda::Version")
    policies = {name: version["DeletionPolicy"] for name, version in versions.items()}

    assert [policy for name, policy in policies.items() if name.startswith("Chat")] == ["Delete"]


def test_the_providers_function_is_in_the_instances_vpc(instances_stack: Stack) -> None:
    statements = properties(instances_stack, "ProvidersPolicy")["PolicyDocument"]["Statement"]

    assert (
        properties(instances_stack, "ProvidersFunction")["VpcConfig"]
        == (properties(instances_stack, "Capacity")["VpcConfig"])
    )
    assert statements[-1]["Effect"] == "Allow"
    assert all(action.startswith("ec2:") for action in statements[-1]["Action"])


def test_the_chat_function_has_no_network_permissions(instances_stack: Stack) -> None:
    statements = properties(instances_stack, "ChatPolicy")["PolicyDocument"]["Statement"]

    assert "ec2:" not in json.dumps(statements)


def test_all_other_resources_equal_those_of_template_yaml(
    stack: Stack, instances_stack: Stack
) -> None:
    default, instances = stack["Resources"], instances_stack["Resources"]
    added, removed = instances.keys() - default.keys(), default.keys() - instances.keys()
    published = {name for name in added | removed if "Version" in name or "Deployment" in name}

    assert added - published == {"Capacity", "CapacityRole"}
    assert removed - published == {"ChatUnqualifiedInvokeConfig"}
    assert integrations(instances_stack) == integrations(stack)
    assert instances_stack["Outputs"] == stack["Outputs"]
    for name in default.keys() & instances.keys() - CHANGED:
        if not name.startswith("ChatFunctionAlias") and name != "ApiliveStage":
            assert default[name] == instances[name], name


def test_every_parameter_has_a_description_a_label_and_a_group(instances_stack: Stack) -> None:
    interface = instances_stack["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]

    assert sorted(grouped) == sorted(instances_stack["Parameters"])
    assert set(interface["ParameterLabels"]) == set(instances_stack["Parameters"])
    assert all(p["Description"] for p in instances_stack["Parameters"].values())
