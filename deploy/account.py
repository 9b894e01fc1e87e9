"""What the commands ask of the AWS account: a stack's outputs, and JSON secrets.

It knows nothing of what a secret holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class JsonSecret:
    """A secret that holds one JSON object, by its name or ARN."""

    secret_id: str

    def read(self) -> dict[str, Any]:
        """What it holds.

        Raises:
            CommandError: If it cannot be read, or is not a JSON object.

        """
        with _explained():
            text = self._client().get_secret_value(SecretId=self.secret_id).get("SecretString", "")
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise CommandError(
                f"the secret {self.secret_id!r} does not hold a JSON object; it is left as it is"
            )
        return value

    def write(self, value: Mapping[str, Any]) -> None:
        """Make `value` its content."""
        with _explained():
            self._client().put_secret_value(
                SecretId=self.secret_id, SecretString=json.dumps(value, sort_keys=True)
            )

    def _client(self) -> SecretsManagerClient:
        return boto3.client("secretsmanager")


def secret_of(stack: str, output: str, given: str | None) -> JsonSecret:
    """The secret that the person named, or the one that the stack's output names."""
    return JsonSecret(given or output_of(stack, output))


def output_of(stack: str, name: str) -> str:
    """One output of a deployed stack.

    Raises:
        CommandError: If there is no such stack or output, or AWS cannot be asked.

    """
    with _explained():
        stacks = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    for output in stacks[0].get("Outputs", []):
        if output.get("OutputKey") == name:
            return str(output.get("OutputValue", ""))
    raise CommandError(f"the stack {stack!r} has no output {name!r}; is it a chatd stack?")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise CommandError(
            f"AWS answered {answer.get('Code', 'an error')}: {answer.get('Message', '')}"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise CommandError(f"AWS could not be asked: {error}") from None
