"""Test that a deployment publishes a version only if configuration or code changes.

Lambda refuses a version that differs from the last one by its description alone, and CloudFormation
then fails with "A version for this Lambda function exists".
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.stack.conftest import ROOT, transformed
from tests.stack.template_queries import Stack, of_type, properties, references

FUNCTIONS = ("ChatFunction", "ProvidersFunction", "AuthorizerFunction")
# Settings that Lambda keeps with the function, not with a version.
UNVERSIONED = {"ReservedConcurrentExecutions", "FunctionScalingConfig", "Tags"}


def versioned_parameters(stack: Stack, name: str) -> set[str]:
    """Return the parameters that configure a version, including those of conditions."""
    versioned = {
        key: value for key, value in properties(stack, name).items() if key not in UNVERSIONED
    }
    found = parameters_of(stack, versioned)
    if "CapacityProviderConfig" in versioned:  # a different VPC changes the capacity provider's ARN
        found |= parameters_of(stack, properties(stack, "Capacity")["VpcConfig"])
    return found


def parameters_of(stack: Stack, value: object) -> set[str]:
    """Return the parameters that a value refers to, also through conditions."""
    named = set(references(value))
    decide = [stack["Conditions"][condition] for condition in named & set(stack["Conditions"])]
    return (named | set(references(decide))) & set(stack["Parameters"])


@pytest.mark.parametrize("stack_fixture", ["stack", "instances_stack"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_version_depends_on_exactly_its_function_s_parameters(
    request: pytest.FixtureRequest, stack_fixture: str, name: str
) -> None:
    stack: Stack = request.getfixturevalue(stack_fixture)
    policy = name.replace("Function", "Policy")
    version = next(r for r in of_type(stack, "AWS::Lambda::Version") if r.startswith(name))
    described = parameters_of(stack, properties(stack, policy)["Description"])

    assert described == versioned_parameters(stack, name)
    assert properties(stack, version)["Description"] == {"Ref": policy}


@pytest.mark.parametrize("stack_fixture", ["stack", "instances_stack"])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_new_description_also_changes_the_environment(
    request: pytest.FixtureRequest, stack_fixture: str, name: str
) -> None:
    variables = properties(request.getfixturevalue(stack_fixture), name)["Environment"]["Variables"]

    assert variables["CHATD_CONFIGURATION"] == {"Ref": name.replace("Function", "Policy")}


@pytest.mark.parametrize("line", ["Tags: {team: a}", "RecursiveLoop: Allow"])
def test_unversioned_settings_publish_no_version(stack: Stack, tmp_path: Path, line: str) -> None:
    text = (ROOT / "template.yaml").read_text()
    name = "FunctionName: !Sub ${AWS::StackName}-chat\n"
    changed = tmp_path / "template.yaml"
    changed.write_text(text.replace(name, f"{name}      {line}\n"))

    after = transformed(changed)

    assert properties(after, "ChatFunction") != properties(stack, "ChatFunction")
    assert of_type(after, "AWS::Lambda::Version") == of_type(stack, "AWS::Lambda::Version")


def test_the_built_code_contains_a_checksum_of_the_templates() -> None:
    # A changed template must change the code, so that the alias publishes a version.
    makefile = (ROOT / "functions" / "Makefile").read_text()

    for template in ("template.yaml", "deploy/managed_instances.yaml"):
        assert re.search(
            rf"^\t@cat .*{re.escape(template)}.*cksum > .*template\.sum", makefile, re.MULTILINE
        )
