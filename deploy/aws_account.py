"""Read a stack's outputs, and read and change JSON secrets, in one AWS account and region."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from deploy.configuration import Deployment
from deploy.errors import CommandError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

Content = dict[str, Any]
# Concurrent writers are few: developers and CI.
_MAX_ATTEMPTS = 20
# Secrets Manager's error codes when the version that was read is no longer current, or was deleted
# because it had no label.
_VERSION_CONFLICTS = frozenset(
    {"InvalidParameterException", "InvalidRequestException", "ResourceNotFoundException"}
)


@dataclass(frozen=True, slots=True)
class Account:
    """Create AWS clients for one region and profile.

    Attributes:
        region: The AWS region; None takes the environment's.
        profile: The AWS profile; None takes the environment's.

    """

    region: str | None = None
    profile: str | None = None

    @classmethod
    def of(cls, deployment: Deployment) -> Account:
        """Take the region and profile of a deployment."""
        return cls(deployment.region, deployment.profile)

    def secrets_manager(self) -> SecretsManagerClient:
        """Create a Secrets Manager client."""
        return self._session().client("secretsmanager")

    def stack_output(self, stack: str, name: str) -> str:
        """Read one output of a deployed stack.

        Raises:
            CommandError: If the stack or output does not exist, or AWS cannot be reached.

        """
        with _aws_errors_as_command_errors():
            stacks = (
                self._session().client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            )
        for output in stacks[0].get("Outputs", []):
            if output.get("OutputKey") == name:
                return str(output.get("OutputValue", ""))
        raise CommandError(f"the stack {stack!r} has no output {name!r}; is it a chatd stack?")

    def _session(self) -> boto3.Session:
        return boto3.Session(profile_name=self.profile, region_name=self.region)


class JsonSecret:
    """Read and update a secret with one JSON object.

    Args:
        secret_id: The secret's name or ARN.
        account: The account and region that hold the secret.

    """

    def __init__(self, secret_id: str, account: Account) -> None:
        self.secret_id = secret_id
        self._account = account

    def read(self) -> Content:
        """Read the secret's content.

        Raises:
            CommandError: If the secret cannot be read, or is not a JSON object.

        """
        with _aws_errors_as_command_errors():
            return self._read_current(self._account.secrets_manager())[0]

    def update(self, change: Callable[[Content], Mapping[str, Any]]) -> tuple[Content, Content]:
        """Change the content without losing the change of a concurrent writer.

        The new version first gets its own label. AWSCURRENT then moves to it from the version that
        was read. If another version has become current, Secrets Manager refuses the move, and the
        change is applied again to that version's content.
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html

        Args:
            change: Returns the new content for the current one; called again after a concurrent
                write. Unchanged content is not written.

        Returns:
            The content before and after.

        Raises:
            CommandError: If the secret cannot be read or written, or if `change` raises it.

        """
        with _aws_errors_as_command_errors():
            client = self._account.secrets_manager()
            for _ in range(_MAX_ATTEMPTS):
                before, version = self._read_current(client)
                after = dict(change(before))
                if after == before or self._replace_current(client, version, after):
                    return before, after
        raise CommandError(
            f"other writers changed the secret {self.secret_id!r} {_MAX_ATTEMPTS} times; try again"
        )

    def _read_current(self, client: SecretsManagerClient) -> tuple[Content, str]:
        """Read the current content and version id."""
        answer = client.get_secret_value(SecretId=self.secret_id, VersionStage="AWSCURRENT")
        try:
            value = json.loads(answer.get("SecretString", ""))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise CommandError(
                f"the secret {self.secret_id!r} does not hold a JSON object; nothing was changed"
            )
        return value, answer["VersionId"]

    def _replace_current(
        self, client: SecretsManagerClient, version: str, content: Content
    ) -> bool:
        """Write a new current version; return False if `version` is no longer current."""
        token = str(uuid.uuid4())
        label = f"chatd-{token}"
        client.put_secret_value(
            SecretId=self.secret_id,
            SecretString=json.dumps(content, sort_keys=True),
            ClientRequestToken=token,
            VersionStages=[label],
        )
        try:
            client.update_secret_version_stage(
                SecretId=self.secret_id,
                VersionStage="AWSCURRENT",
                MoveToVersionId=token,
                RemoveFromVersionId=version,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in _VERSION_CONFLICTS:
                raise
            return False
        finally:
            # A secret has at most 20 labels. A failed removal does not undo the move.
            with suppress(ClientError):
                client.update_secret_version_stage(
                    SecretId=self.secret_id, VersionStage=label, RemoveFromVersionId=token
                )
        return True


def find_secret(deployment: Deployment, output: str, secret_id: str | None) -> JsonSecret:
    """Return the secret with the given id, or else the secret in a stack output."""
    account = Account.of(deployment)
    return JsonSecret(secret_id or account.stack_output(deployment.stack, output), account)


@contextmanager
def _aws_errors_as_command_errors() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise CommandError(
            f"AWS answered {answer.get('Code', 'an error')}: {answer.get('Message', '')}"
        ) from None
    except NoRegionError:
        raise CommandError(
            "there is no region: set REGION=eu-central-1 or AWS_REGION, or run make deploy GUIDED=1"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise CommandError(f"AWS could not be reached: {error}") from None
