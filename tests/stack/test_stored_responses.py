"""Test the DynamoDB table of stored responses."""

from __future__ import annotations

from chatd.stored_responses import PARAMETER
from tests.stack.template_queries import Stack, of_type, properties

NAME = "ResponsesTable"


def test_the_table_exists_only_with_the_parameter_that_messages_name(stack: Stack) -> None:
    parameter = stack["Parameters"][PARAMETER]

    assert (parameter["Default"], parameter["AllowedValues"]) == ("false", ["false", "true"])
    enabled = {"Fn::Equals": [{"Ref": PARAMETER}, "true"]}
    assert stack["Conditions"]["StoresResponses"] == enabled
    assert stack["Resources"][NAME]["Condition"] == "StoresResponses"


def test_responses_are_encrypted_expire_and_are_deleted_with_the_stack(stack: Stack) -> None:
    table = properties(stack, NAME)

    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert stack["Resources"][NAME]["DeletionPolicy"] == "Delete"
    assert stack["Resources"][NAME]["UpdateReplacePolicy"] == "Delete"


def test_the_lifetime_is_thirty_days_unless_set(stack: Stack) -> None:
    days = stack["Parameters"]["StoredResponsesDays"]

    assert (days["Default"], days["MinValue"], days["MaxValue"]) == (30, 1, 3650)


def test_only_the_chat_function_has_the_table_s_name(stack: Stack) -> None:
    named = {
        name: (
            function["Properties"]["Environment"]["Variables"].get("CHATD_RESPONSES_TABLE"),
            function["Properties"]["Environment"]["Variables"].get("CHATD_RESPONSES_DAYS"),
        )
        for name, function in of_type(stack, "AWS::Lambda::Function").items()
    }

    assert named == {
        "ChatFunction": (
            {"Fn::If": ["StoresResponses", {"Ref": NAME}, ""]},
            {"Ref": "StoredResponsesDays"},
        ),
        "ProvidersFunction": (None, None),
        "AuthorizerFunction": (None, None),
    }


def test_a_change_of_a_parameter_publishes_a_version(stack: Stack) -> None:
    text, _values = properties(stack, "ChatPolicy")["Description"]["Fn::Sub"]

    assert "${StoredResponses}|${StoredResponsesDays}" in text
