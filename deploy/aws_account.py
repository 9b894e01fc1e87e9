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
# Writers that meet are few: people at their terminals, and CI.
_TRIES = 20
# What Secrets Manager answers where the version that was read is not the current one by now, or,
# without any label, is gone.
_OVERTAKEN = frozenset(
    {"InvalidParameterException", "InvalidRequestException", "ResourceNotFoundException"}
)


@dataclass(frozen=True, slots=True)
class Account:
    """Makes clients for one region and profile.

    Attributes:
        region: The region; None: the one of the environment.
        profile: The AWS profile; None: the one of the environment.

    """

    region: str | None = None
    profile: str | None = None

    @classmethod
    def of(cls, deployment: Deployment) -> Account:
        """Take the region and the profile of a deployment."""
        return cls(deployment.region, deployment.profile)

    def secrets_manager(self) -> SecretsManagerClient:
        """Make a client of Secrets Manager."""
        return self._session().client("secretsmanager")

    def output(self, stack: str, name: str) -> str:
        """Read one output of a deployed stack.

        Raises:
            CommandError: If there is no such stack or output, or AWS cannot be asked.

        """
        with _explained():
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
    """A secret that holds one JSON object.

    Args:
        secret_id: Its name or ARN.
        account: Where it is.

    """

    def __init__(self, secret_id: str, account: Account) -> None:
        self.secret_id = secret_id
        self._account = account

    def read(self) -> Content:
        """Read the content.

        Raises:
            CommandError: If it cannot be read, or is not a JSON object.

        """
        with _explained():
            return self._current(self._account.secrets_manager())[0]

    def update(self, change: Callable[[Content], Mapping[str, Any]]) -> tuple[Content, Content]:
        """Change the content, and lose no concurrent writer's change.

        The new version gets a label of its own first. AWSCURRENT is then moved to it from the very
        version that was read: Secrets Manager refuses that if another one is current by now, and
        the change is made again, of what that one holds.
        https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html

        Args:
            change: Makes the new content of the present one; called again if another writer was
                faster. A content that stays the same is not written.

        Returns:
            The content before and after.

        Raises:
            CommandError: If it cannot be read or written, or what `change` raises.

        """
        with _explained():
            client = self._account.secrets_manager()
            for _ in range(_TRIES):
                before, version = self._current(client)
                after = dict(change(before))
                if after == before or self._moved(client, version, after):
                    return before, after
        raise CommandError(
            f"the secret {self.secret_id!r} was changed {_TRIES} times meanwhile; try again"
        )

    def _current(self, client: SecretsManagerClient) -> tuple[Content, str]:
        """Read the current content and its version id."""
        answer = client.get_secret_value(SecretId=self.secret_id, VersionStage="AWSCURRENT")
        try:
            value = json.loads(answer.get("SecretString", ""))
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise CommandError(
                f"the secret {self.secret_id!r} does not hold a JSON object; it is left as it is"
            )
        return value, answer["VersionId"]

    def _moved(self, client: SecretsManagerClient, version: str, content: Content) -> bool:
        """Write a version and make it the current one, unless `version` no longer is."""
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
            if error.response.get("Error", {}).get("Code") not in _OVERTAKEN:
                raise
            return False
        finally:
            # A secret has 20 labels at most. What was decided holds whether this one goes or not.
            with suppress(ClientError):
                client.update_secret_version_stage(
                    SecretId=self.secret_id, VersionStage=label, RemoveFromVersionId=token
                )
        return True


def secret_of(deployment: Deployment, output: str, given: str | None) -> JsonSecret:
    """Choose the secret: the given one, or the one in the stack's output."""
    account = Account.of(deployment)
    return JsonSecret(given or account.output(deployment.stack, output), account)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer = error.response.get("Error", {})
        raise CommandError(
            f"AWS answered {answer.get('Code', 'an error')}: {answer.get('Message', '')}"
        ) from None
    except NoRegionError:
        raise CommandError(
            "there is no region: REGION=eu-central-1, AWS_REGION, or make deploy GUIDED=1, which"
            " keeps it"
        ) from None
    except (BotoCoreError, ValueError) as error:
        raise CommandError(f"AWS could not be asked: {error}") from None
