"""Sources of AWS credentials for tests: a clock, answers of AWS STS and of a container."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chatd.config.provider import AwsAccess, Provider
from tests.support.bedrock.security_tokens import answer_of
from tests.support.bedrock.signatures import Key

REGION = "eu-central-1"
ACCOUNT = "444455556666"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/models"
FUNCTION = Key(id="ASIAOFTHEFUNCTION", secret="secret/of+function", token="token/of+function==")
ASSUMED = Key(id="ASIAOFTHEROLE", secret="secret/of+role", token="token/of+role==")


@dataclass(slots=True)
class UtcClock:
    """A clock that a test moves; it starts at the present moment."""

    moment: datetime

    @classmethod
    def of_now(cls) -> UtcClock:
        return cls(datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.moment

    def move(self, **time: float) -> None:
        self.moment += timedelta(**time)


def row(**access: str | bool | None) -> Provider:
    """Return a row with `aws`."""
    fields = {"region": REGION, **access}
    return Provider("mine", "openai_chat", "http://h", aws=AwsAccess(**fields))  # type: ignore[arg-type]  # of the test


def assumed(expires_at: datetime, key: Key = ASSUMED) -> bytes:
    """Return an answer of AssumeRole."""
    return answer_of(key, ACCOUNT, "chatd", expires_at)


def refusal(code: str) -> bytes:
    """Return a refusal of AWS STS, whose message names the role and both accounts."""
    return f"""<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>{code}</Code>
    <Message>User: arn:aws:sts::111122223333:assumed-role/f/f is not authorized to perform:
      sts:AssumeRole on resource: {ROLE_ARN}</Message></Error>
  <RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId>
</ErrorResponse>""".encode()
