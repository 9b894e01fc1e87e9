"""Resolve a transformed template with parameters, and evaluate IAM policies, as AWS does.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.stack.template_queries import Stack

ACCOUNT = "111122223333"
_NOTHING = object()
_PSEUDO = {"AWS::Partition": "aws", "AWS::AccountId": ACCOUNT, "AWS::NoValue": _NOTHING}


class Resolved:
    """A stack with values for its parameters.

    Args:
        stack: The transformed template.
        parameters: Values that replace the defaults.

    """

    def __init__(self, stack: Stack, **parameters: str) -> None:
        self._stack = stack
        defaults = {
            name: str(parameter.get("Default", ""))
            for name, parameter in stack["Parameters"].items()
        }
        self._values = {**defaults, **parameters, **_PSEUDO}

    def value(self, value: Any) -> Any:
        """Resolve a value; references to resources become their names."""
        if isinstance(value, list):
            return [one for one in map(self.value, value) if one is not _NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "Ref":
                return self._values.get(argument, argument)
            if name.startswith("Fn::"):
                return self._intrinsic(name.removeprefix("Fn::"), argument)
        return {
            key: found
            for key, inner in value.items()
            if (found := self.value(inner)) is not _NOTHING
        }

    def holds(self, condition: Any) -> bool:
        """Return whether a condition or its name is true."""
        if isinstance(condition, str):
            return self.holds(self._stack["Conditions"][condition])
        name, argument = next(iter(condition.items()))
        if name == "Condition":
            return self.holds(argument)
        if name == "Fn::Equals":
            first, second = self.value(argument)
            return bool(first == second)
        parts = [self.holds(one) for one in argument]
        return {"Fn::Not": not parts[0], "Fn::And": all(parts), "Fn::Or": any(parts)}[str(name)]

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Return the statements of a role's policies that exist."""
        policies = self.value(self._stack["Resources"][role]["Properties"]["ManagedPolicyArns"])
        found: list[dict[str, Any]] = []
        for name in policies:
            policy = self._stack["Resources"][name]
            assert self.holds(policy["Condition"]) if "Condition" in policy else True
            found += self.value(policy["Properties"]["PolicyDocument"]["Statement"])
        return found

    def exists(self, resource: str) -> bool:
        """Return whether the stack has a resource with these parameters."""
        condition = self._stack["Resources"][resource].get("Condition")
        return condition is None or self.holds(condition)

    def _intrinsic(self, name: str, argument: Any) -> Any:
        if name == "If":
            condition, yes, no = argument
            return self.value(yes if self.holds(condition) else no)
        if name == "Split":
            return str(self.value(argument[1])).split(argument[0])
        if name == "GetAtt":
            return argument[0]
        assert name == "Sub", name
        text, own = (argument, {}) if isinstance(argument, str) else argument
        values = {**self._values, **self.value(own)}
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(values.get(found[1], found[1])), text)


def allows(
    statements: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """Return whether the statements allow an action on a resource; none of them denies.

    Args:
        statements: Statements with `Allow`.
        action: Such as `bedrock:InvokeModel`.
        resource: The ARN, or `*` for an action that has no resources.
        context: The condition keys of the request.

    """
    for statement in statements:
        assert statement["Effect"] == "Allow"
        if (
            any(_matches(one, action, re.IGNORECASE) for one in listed(statement["Action"]))
            and any(_matches(one, resource) for one in listed(statement["Resource"]))
            and _conditions_hold(statement.get("Condition", {}), context or {})
        ):
            return True
    return False


def _conditions_hold(conditions: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    """Return whether all conditions hold; a key that the request lacks holds for none."""
    assert set(conditions) <= {"StringLike"}
    return all(
        key in context and any(_matches(one, context[key]) for one in listed(patterns))
        for key, patterns in conditions.get("StringLike", {}).items()
    )


def listed(value: Any) -> list[str]:
    """Return a list of texts, which a policy may write as one text."""
    return value if isinstance(value, list) else [value]


def _matches(pattern: str, text: str, flags: int = 0) -> bool:
    """Return whether a text matches a pattern with `*` and `?`."""
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, text, flags) is not None
