"""The table of answers by their keys: there if it is asked for, encrypted, and forgetful."""

from __future__ import annotations

from tests.stack.template_queries import Stack, of_type, properties

NAME = "IdempotencyRecords"


def test_there_is_a_table_only_where_one_is_asked_for(stack: Stack) -> None:
    parameter = stack["Parameters"]["IdempotencyTable"]

    assert (parameter["Default"], parameter["AllowedValues"]) == ("false", ["false", "true"])
    asked = {"Fn::Equals": [{"Ref": "IdempotencyTable"}, "true"]}
    assert stack["Conditions"]["KeepsAnswers"] == asked
    assert stack["Resources"][NAME]["Condition"] == "KeepsAnswers"


def test_its_records_are_encrypted_expire_and_go_with_the_stack(stack: Stack) -> None:
    table = properties(stack, NAME)

    assert table["SSESpecification"] == {"SSEEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}
    assert table["KeySchema"] == [{"AttributeName": "id", "KeyType": "HASH"}]
    assert stack["Resources"][NAME]["DeletionPolicy"] == "Delete"


def test_it_costs_nothing_while_nobody_talks(stack: Stack) -> None:
    assert properties(stack, NAME)["BillingMode"] == "PAY_PER_REQUEST"


def test_only_the_chat_function_knows_it(stack: Stack) -> None:
    named = {
        name: function["Properties"]["Environment"]["Variables"].get("CHATD_IDEMPOTENCY_TABLE")
        for name, function in of_type(stack, "AWS::Lambda::Function").items()
    }

    assert named == {
        "ChatFunction": {"Fn::If": ["KeepsAnswers", {"Ref": NAME}, ""]},
        "ProvidersFunction": None,
        "AuthorizerFunction": None,
    }


def test_switching_it_on_publishes_a_version(stack: Stack) -> None:
    assert "${IdempotencyTable}" in properties(stack, "ChatPolicy")["Description"]["Fn::Sub"]
