"""Each value of BedrockAccess grants exactly the actions that a chat and the lists need."""

from __future__ import annotations

import re

import pytest

from tests.stack.resolved import ACCOUNT, Resolved, allows, listed
from tests.stack.template_queries import Stack, of_type, properties

BEDROCK = f"arn:aws:bedrock:eu-central-1:{ACCOUNT}"
INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:CountTokens")
LISTS = ("bedrock:ListFoundationModels", "bedrock:ListInferenceProfiles")
CLAUDE = "arn:aws:bedrock:eu-central-1::foundation-model/anthropic.claude-opus-5-v1:0"
CLAUDE_ELSEWHERE = CLAUDE.replace("eu-central-1", "eu-north-1")
CLAUDE_ANYWHERE = CLAUDE.replace("eu-central-1", "")
NOVA = "arn:aws:bedrock:eu-central-1::foundation-model/amazon.nova-pro-v1:0"
PROFILE = f"{BEDROCK}:inference-profile/eu.anthropic.claude-opus-5-v1:0"
GLOBAL = f"{BEDROCK}:inference-profile/global.anthropic.claude-opus-5-v1:0"
TEAM = f"{BEDROCK}:application-inference-profile/a1b2c3d4e5f6"
OTHERS = f"arn:aws:bedrock:eu-central-1:444455556666:inference-profile/{PROFILE.rpartition('/')[2]}"
GUARDRAIL = f"{BEDROCK}:guardrail/gr1a2b3c4d5e"
GUARDRAIL_PROFILE = f"{BEDROCK}:guardrail-profile/eu.guardrail.v1:0"
ROLE = "arn:aws:iam::444455556666:role/models"


def through(profile: str) -> dict[str, str]:
    """Return the condition key of a call through an inference profile."""
    return {"bedrock:InferenceProfileArn": profile}


def invocations(stack: Stack, access: str) -> dict[str, bool]:
    """Return what the chat function may invoke, all of its actions alike."""
    statements = Resolved(stack, BedrockAccess=access).statements("ChatRole")
    calls = {
        "Claude": (CLAUDE, {}),
        "Nova": (NOVA, {}),
        "profile": (PROFILE, {}),
        "Claude through the profile": (CLAUDE, through(PROFILE)),
        "Claude elsewhere through the profile": (CLAUDE_ELSEWHERE, through(PROFILE)),
        "global profile": (GLOBAL, {}),
        "Claude anywhere through the global profile": (CLAUDE_ANYWHERE, through(GLOBAL)),
        "team's profile": (TEAM, {}),
        "another account's profile": (OTHERS, {}),
    }
    found = {}
    for name, (arn, context) in calls.items():
        answers = {allows(statements, action, arn, context) for action in INVOKE}
        assert len(answers) == 1, name
        found[name] = answers.pop()
    return found


@pytest.mark.parametrize(
    ("access", "allowed"),
    [
        ("off", set()),
        (
            "all",
            {
                *("Claude", "Nova", "profile", "Claude through the profile", "global profile"),
                *("Claude elsewhere through the profile", "team's profile"),
                "Claude anywhere through the global profile",
            },
        ),
        (CLAUDE, {"Claude", "Claude through the profile"}),
        (
            PROFILE,
            {
                *("profile", "Claude through the profile"),
                "Claude elsewhere through the profile",
            },
        ),
        (GLOBAL, {"global profile", "Claude anywhere through the global profile"}),
        (f"{NOVA},{TEAM}", {"Nova", "team's profile"}),
        (
            "arn:aws:bedrock:*::foundation-model/anthropic.*",
            {
                *("Claude", "Claude through the profile", "Claude elsewhere through the profile"),
                "Claude anywhere through the global profile",
            },
        ),
    ],
    ids=["off", "all", "model", "profile", "global", "list", "pattern"],
)
def test_the_chat_function_invokes_exactly_the_granted_models(
    stack: Stack, access: str, allowed: set[str]
) -> None:
    found = invocations(stack, access)

    assert {name for name, is_allowed in found.items() if is_allowed} == allowed


SETTINGS = {
    "off": {},
    "all": {"BedrockAccess": "all"},
    "list": {"BedrockAccess": f"{CLAUDE},{PROFILE}"},
    "tokens": {"BedrockAccess": "all", "BedrockBearerTokens": "true"},
    "guardrails": {"GuardrailArns": f"{GUARDRAIL},{GUARDRAIL_PROFILE}"},
    "role": {"AssumedRoleArns": ROLE},
}
CHAT_ACTIONS = {
    "off": set(),
    "all": {*INVOKE},
    "list": {*INVOKE},
    "tokens": {*INVOKE, "bedrock:CallWithBearerToken"},
    "guardrails": {"bedrock:ApplyGuardrail"},
    "role": {"sts:AssumeRole"},
}
LIST_ACTIONS = {
    "off": set(),
    "all": {*LISTS},
    "list": {*LISTS},
    "tokens": {*LISTS, "bedrock:CallWithBearerToken"},
    "guardrails": set(),
    "role": {"sts:AssumeRole"},
}


@pytest.mark.parametrize("stack_fixture", ["stack", "instances_stack"])
@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_role_has_no_other_action(
    request: pytest.FixtureRequest, stack_fixture: str, name: str
) -> None:
    stack: Stack = request.getfixturevalue(stack_fixture)
    resolved = Resolved(stack, **SETTINGS[name])
    actions = {
        role: {action for one in resolved.statements(role) for action in listed(one["Action"])}
        for role in ("ChatRole", "ProvidersRole", "AuthorizerRole")
    }
    found = {
        role: {action for action in found if action.startswith(("bedrock", "sts"))}
        for role, found in actions.items()
    }

    assert found == {
        "ChatRole": CHAT_ACTIONS[name],
        "ProvidersRole": LIST_ACTIONS[name],
        "AuthorizerRole": set(),
    }
    assert not any("*" in action for found in actions.values() for action in found)


@pytest.mark.parametrize(
    ("action", "resource", "other"),
    [
        ("bedrock:ApplyGuardrail", GUARDRAIL, f"{GUARDRAIL}x"),
        ("bedrock:ApplyGuardrail", GUARDRAIL_PROFILE, f"{BEDROCK}:guardrail/other"),
        ("sts:AssumeRole", ROLE, f"{ROLE}-admin"),
    ],
)
def test_a_guardrail_and_a_role_are_granted_by_name(
    stack: Stack, action: str, resource: str, other: str
) -> None:
    parameters = {**SETTINGS["guardrails"], **SETTINGS["role"]}
    statements = Resolved(stack, **parameters).statements("ChatRole")

    assert allows(statements, action, resource)
    assert not allows(statements, action, other)


@pytest.mark.parametrize("name", sorted(SETTINGS))
def test_a_policy_exists_only_with_statements(stack: Stack, name: str) -> None:
    resolved = Resolved(stack, **SETTINGS[name])

    for policy in ("ChatBedrockPolicy", "ProvidersBedrockPolicy"):
        document = resolved.value(properties(stack, policy)["PolicyDocument"])
        assert resolved.exists(policy) == bool(document["Statement"])


@pytest.mark.parametrize(
    ("access", "value"), [("off", "off"), ("all", "on"), (f"{CLAUDE},{PROFILE}", "on")]
)
def test_chat_and_providers_know_whether_bedrock_is_granted(
    stack: Stack, access: str, value: str
) -> None:
    resolved = Resolved(stack, BedrockAccess=access)
    variables = {
        name: resolved.value(
            function["Properties"]["Environment"]["Variables"].get("CHATD_BEDROCK_ACCESS")
        )
        for name, function in of_type(stack, "AWS::Lambda::Function").items()
    }

    assert variables == {
        "ChatFunction": value,
        "ProvidersFunction": value,
        "AuthorizerFunction": None,
    }
    for policy in ("ChatPolicy", "ProvidersPolicy"):
        description = resolved.value(properties(stack, policy)["Description"])
        assert value in description.split("|")


@pytest.mark.parametrize(
    ("parameter", "value", "is_allowed"),
    [
        ("BedrockAccess", "off", True),
        ("BedrockAccess", "all", True),
        ("BedrockAccess", f"{CLAUDE},{PROFILE},{GLOBAL},{TEAM}", True),
        ("BedrockAccess", "arn:aws:bedrock:*::foundation-model/anthropic.*", True),
        ("BedrockAccess", "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x.y-v1:0", True),
        ("BedrockAccess", "", False),
        ("BedrockAccess", "on", False),
        ("BedrockAccess", "*", False),
        ("BedrockAccess", f"all,{CLAUDE}", False),
        ("BedrockAccess", "anthropic.claude-opus-5-v1:0", False),
        ("BedrockAccess", GUARDRAIL, False),
        ("BedrockAccess", "arn:aws:s3:::bucket/key", False),
        ("BedrockAccess", f"{CLAUDE},", False),
        ("GuardrailArns", "", True),
        ("GuardrailArns", f"{GUARDRAIL},{GUARDRAIL_PROFILE}", True),
        ("GuardrailArns", CLAUDE, False),
        ("GuardrailArns", "*", False),
        ("AssumedRoleArns", "", True),
        ("AssumedRoleArns", f"{ROLE},{ROLE}", True),
        ("AssumedRoleArns", "arn:aws:iam::444455556666:role/*", False),
        ("AssumedRoleArns", "arn:aws:iam::444455556666:user/me", False),
    ],
)
def test_a_parameter_takes_only_arns_of_its_kind(
    stack: Stack, parameter: str, value: str, is_allowed: bool
) -> None:
    pattern = stack["Parameters"][parameter]["AllowedPattern"]

    assert bool(re.fullmatch(pattern.removeprefix("^").removesuffix("$"), value)) == is_allowed


def test_the_longest_list_fits_into_a_policy(stack: Stack) -> None:
    """IAM allows 6,144 characters in a managed policy, and the list is in it twice."""
    longest = {
        name: "x" * int(stack["Parameters"][name]["MaxLength"])
        for name in ("BedrockAccess", "GuardrailArns", "AssumedRoleArns")
    }
    resolved = Resolved(stack, BedrockBearerTokens="true", **longest)

    document = resolved.value(properties(stack, "ChatBedrockPolicy")["PolicyDocument"])

    assert len(str(document).replace(" ", "")) <= 6_144
