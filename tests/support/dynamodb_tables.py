"""Create the tables of template.yaml in moto's DynamoDB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from local import template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ROOT = Path(__file__).parents[2]


@contextmanager
def template_table(
    resource: str, name: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DynamoDBClient]:
    """Create a table and yield a client; the environment points boto3 to the same server.

    Args:
        resource: The table's logical id in template.yaml.
        name: The table's name.
        url: moto's address.
        monkeypatch: Sets the environment.

    """
    for variable, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB": url,
    }.items():
        monkeypatch.setenv(variable, value)
    table = template.read(ROOT / "template.yaml").get("Resources").get(resource)
    properties = {key: node.value for key, node in table.get("Properties").children()}
    # CloudFormation's own form of these; tests/stack checks them.
    shape = {key: value for key, value in properties.items() if not key.endswith("Specification")}
    client = boto3.client("dynamodb")
    client.create_table(TableName=name, **shape)
    yield client
    if name in client.list_tables()["TableNames"]:
        client.delete_table(TableName=name)
    client.close()
