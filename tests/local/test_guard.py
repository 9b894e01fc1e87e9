"""Who may talk to the gateway on this machine: keys, and what browsers are made to send."""

from __future__ import annotations

import pytest

from local.guard import Guard
from tests.local.conftest import STAGE, Gateway, Start, failed_start


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_refuses_to_listen_elsewhere_without_keys(host: str) -> None:
    status, lines = failed_start(*STAGE, HOST=host)

    assert status == 2
    assert lines == [
        f"chatd: HOST={host}: others could reach this address, so callers need a key;"
        " list some in CHATD_CALLER_KEYS, or leave HOST at 127.0.0.1"
    ]


def test_it_listens_elsewhere_with_keys_and_shows_a_url_that_works(start: Start) -> None:
    gateway = start(*STAGE, HOST="0.0.0.0", CHATD_CALLER_KEYS="key-1")

    assert gateway.url.startswith("http://127.0.0.1:")
    assert gateway.act("tell").status == 401


def test_with_keys_every_route_but_the_open_ones_needs_one(start: Start) -> None:
    gateway = start(*STAGE, CHATD_CALLER_KEYS="key-1, key-2")
    names = []
    for headers in (
        {"Authorization": "Bearer key-1"},
        {"x-api-key": "key-2"},
        {"X-API-KEY": "key-2", "Host": "gateway.example"},
    ):
        answer = gateway.ask("POST", "/act", headers=headers)
        names.append(answer.json["event"]["requestContext"]["authorizer"]["principalId"])
    wrong = [
        gateway.ask("POST", "/act", headers=headers)
        for headers in ({}, {"x-api-key": "key-3"}, {"Authorization": "Basic a2V5LTE="})
    ]

    assert names == ["caller-1", "caller-2", "caller-2"]
    assert [(answer.status, answer.code) for answer in wrong] == [(401, "invalid_api_key")] * 3
    assert gateway.ask("GET", "/health").status == 200
    assert "Callers need a key" in gateway.said
    assert "key-1" not in gateway.said


def test_without_keys_the_event_names_no_caller(gateway: Gateway) -> None:
    assert "authorizer" not in gateway.act("tell").json["event"]["requestContext"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:3220", "api.localhost", "127.0.0.2:1"])
def test_names_of_this_machine_are_taken(gateway: Gateway, host: str) -> None:
    assert gateway.ask("GET", "/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:3220", "localhost.evil.example", "", "["]
)
def test_a_rebound_name_is_refused(gateway: Gateway, host: str) -> None:
    answer = gateway.ask("GET", "/things", headers={"Host": host})

    assert (answer.status, answer.code) == (403, "foreign_site")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://["])
def test_a_foreign_page_is_refused_before_anything_runs(gateway: Gateway, origin: str) -> None:
    answer = gateway.ask("POST", "/act", {"do": "exit"}, {"Origin": origin})

    assert (answer.status, answer.code) == (403, "foreign_site")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_this_machine_may_call(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/act", headers={"Origin": "http://localhost:5173"})

    assert answer.status == 200


def test_listed_pages_may_call_and_can_read_refusals(start: Start) -> None:
    gateway = start(*STAGE, CHATD_CORS_ORIGINS="https://app.example")
    headers = {"Origin": "https://app.example"}
    answer = gateway.ask("GET", "/nothing", headers=headers)

    assert gateway.ask("POST", "/act", headers=headers).status == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["vary"] == "Origin"


def test_the_name_it_was_told_to_listen_on_is_taken() -> None:
    guard = Guard(callers=None, host="MyMachine")

    assert guard.admit({"host": "mymachine:3220"}, open_to_all=False) is None


def test_any_page_may_call_where_the_deployment_says_so() -> None:
    guard = Guard(callers=None, host="127.0.0.1", origins=("*",))
    headers = {"host": "localhost", "origin": "https://app.example"}

    assert guard.admit(headers, open_to_all=False) is None
