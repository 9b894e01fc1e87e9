"""Test the DynamoDB table of the idempotency records."""

from __future__ import annotations

from tests.stack.template_queries import Stack, of_type, properties

NAME = "IdempotencyRecords"


def test_the_table_exists_only_with_the_parameter(stack: Stack) -> None:
    parameter = stack["Parameters"]["IdempotencyTable"]

    assert (parameter["Default"], parameter["AllowedValues"]) == ("false", ["false", "true"])
    enabled = {"Fn::Equals": [{"Ref": "IdempotencyTable"}, "true"]}
    assert stack["Conditions"]["KeepsAnswers"] == enabled
    assert stack["Resources"][NAME]["Condition"] == "KeepsAnswers"


def test_records_are_encrypted_expire_and_are_deleted_with_the_stack(stack: Stack) -> None:
    table = properties(stack, NAME)

    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert stack["Resources"][NAME]["DeletionPolicy"] == "Delete"


def test_the_table_is_billed_per_request(stack: Stack) -> None:
    assert properties(stack, NAME)["BillingMode"] == "PAY_PER_REQUEST"


def test_only_the_chat_function_has_the_table_s_name(stack: Stack) -> None:
    named = {
        name: function["Properties"]["Environment"]["Variables"].get("CHATD_IDEMPOTENCY_TABLE")
        for name, function in of_type(stack, "AWS::Lambda::Function").items()
    }

    assert named == {
        "ChatFunction": {"Fn::If": ["KeepsAnswers", {"Ref": NAME}, ""]},
        "ProvidersFunction": None,
        "AuthorizerFunction": None,
    }


def test_a_change_of_the_parameter_publishes_a_version(stack: Stack) -> None:
    text, _values = properties(stack, "ChatPolicy")["Description"]["Fn::Sub"]

    assert "${IdempotencyTable}" in text
