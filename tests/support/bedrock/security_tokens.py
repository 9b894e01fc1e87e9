"""Assume a role, as AWS STS does.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from tests.support.bedrock.errors import demand
from tests.support.bedrock.signatures import Access, Key
from tests.support.upstream import Script, reply

_ROLE = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/[\w+=,.@/-]+")
_ANSWER = """\
<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <AssumedRoleUser>
      <AssumedRoleId>AROAMADEUP:{session}</AssumedRoleId>
      <Arn>arn:aws:sts::{account}:assumed-role/made-up/{session}</Arn>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>{key}</AccessKeyId>
      <SecretAccessKey>{secret}</SecretAccessKey>
      <SessionToken>{token}</SessionToken>
      <Expiration>{expiration}</Expiration>
    </Credentials>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>c6104cbe-af31-11e0-8154-cbc7ccf896c7</RequestId></ResponseMetadata>
</AssumeRoleResponse>
"""


def assumed(form: Mapping[str, str], access: Access) -> Script:
    """Make temporary credentials, which the fake then accepts.

    Raises:
        BedrockError: If the form is no AssumeRole.

    """
    demand(form.get("Action") == "AssumeRole", "Could not find operation")
    demand(form.get("Version") == "2011-06-15", "Could not find operation for version")
    role = _ROLE.fullmatch(form.get("RoleArn", ""))
    demand(role, "RoleArn is invalid")
    demand(re.fullmatch(r"[\w+=,.@-]{2,64}", form.get("RoleSessionName", "")), "RoleSessionName")
    assert role
    number = sum(key.startswith("ASIAROLE") for key in access.keys)
    key = Key(f"ASIAROLE{number:012}", f"role/secret+{number}", f"role-token+/={number}", role[1])
    access.keys[key.id] = key
    seconds = int(form.get("DurationSeconds", "3600"))
    expiration = datetime.now(UTC) + timedelta(seconds=seconds)
    answer = answer_of(key, role[1], form["RoleSessionName"], expiration)
    return reply(answer, headers={"Content-Type": "text/xml"})


def answer_of(key: Key, account: str, session: str, expiration: datetime) -> bytes:
    """Return the answer of AssumeRole with a key of an account.

    https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Examples
    """
    return _ANSWER.format(
        session=session,
        account=account,
        key=key.id,
        secret=key.secret,
        token=key.token,
        expiration=expiration.strftime("%Y-%m-%dT%H:%M:%SZ"),
    ).encode()
