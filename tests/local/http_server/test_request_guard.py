"""Requests are admitted by caller key, or by Host, Origin and Sec-Fetch-Site."""

from __future__ import annotations

import pytest

from local.http_server.request_guard import ForeignSiteError, RequestGuard
from tests.local.conftest import SCRIPTED, Gateway, Start, failed_start


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_without_keys_a_reachable_address_is_refused(host: str) -> None:
    status, lines = failed_start(*SCRIPTED, HOST=host)

    assert status == 2
    assert lines == [
        f"chatd: HOST={host}: other machines could reach this address, so callers need a key;"
        " list keys in CHATD_CALLER_KEYS, or leave HOST at 127.0.0.1"
    ]


def test_with_keys_the_gateway_listens_on_all_addresses_and_prints_a_working_url(
    start: Start,
) -> None:
    gateway = start(*SCRIPTED, HOST="0.0.0.0", CHATD_CALLER_KEYS="key-1")

    assert gateway.url.startswith("http://127.0.0.1:")
    assert gateway.run_action("report").status == 401


def test_with_keys_every_route_except_public_ones_needs_a_key(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CALLER_KEYS="key-1, key-2")
    names = []
    for headers in (
        {"Authorization": "Bearer key-1"},
        {"x-api-key": "key-2"},
        {"X-API-KEY": "key-2", "Host": "gateway.example"},
        {"Authorization": "Bearer foreign", "x-api-key": "key-2"},
        {"Authorization": "Basic dTpw", "x-api-key": "key-2"},
        {"Authorization": "Bearer key-1", "x-api-key": "foreign"},
    ):
        answer = gateway.ask("POST", "/act", headers=headers)
        names.append(answer.json["event"]["requestContext"]["authorizer"]["principalId"])
    wrong = [
        gateway.ask("POST", "/act", headers=headers)
        for headers in ({}, {"x-api-key": "key-3"}, {"Authorization": "Basic a2V5LTE="})
    ]

    assert names == ["caller-1", *["caller-2"] * 4, "caller-1"]
    assert [(answer.status, answer.code) for answer in wrong] == [(401, "invalid_api_key")] * 3
    assert gateway.ask("GET", "/health").status == 200
    assert "Callers need a key" in gateway.output_text
    assert "key-1" not in gateway.output_text


def test_without_keys_the_event_has_no_authorizer(gateway: Gateway) -> None:
    assert "authorizer" not in gateway.run_action("report").json["event"]["requestContext"]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:3220", "api.localhost", "127.0.0.2:1", "[::1]", "[::1]:3220"]
)
def test_a_loopback_host_is_accepted(gateway: Gateway, host: str) -> None:
    assert gateway.ask("GET", "/health", headers={"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:3220", "localhost.evil.example", "", "["),
        *("evillocalhost", "evillocalhost:3220", "evil-localhost", "127.0.0.1.evil.example"),
        *("evil.example@localhost", "localhost/evil", "localhost#.evil.example", "localhost:1:2"),
        *("[::1]evil", "[::1", "10.0.0.1", "[fe80::1]"),
    ],
)
def test_any_other_host_is_refused(gateway: Gateway, host: str) -> None:
    answer = gateway.ask("GET", "/things", headers={"Host": host})

    assert (answer.status, answer.code) == (403, "foreign_site")


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "null", "http://[", "", "file://"),
        *("http://evillocalhost", "http://evillocalhost:5173", "https://localhost.evil.example"),
        *("http://evil.example@localhost", "app://localhost", "chrome-extension://localhost"),
        *("http://localhost, https://evil.example", "localhost"),
    ],
)
def test_a_foreign_origin_is_refused_before_the_handler_runs(gateway: Gateway, origin: str) -> None:
    answer = gateway.ask("POST", "/act", {"do": "exit"}, {"Origin": origin})

    assert (answer.status, answer.code) == (403, "foreign_site")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_on_this_machine_may_call(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/act", headers={"Origin": "http://localhost:5173"})

    assert answer.status == 200


def test_listed_origins_may_call_and_read_errors(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CORS_ORIGINS="https://app.example")
    headers = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    answer = gateway.ask("GET", "/nothing", headers=headers)

    assert gateway.ask("POST", "/act", headers=headers).status == 200
    assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
def test_an_error_varies_by_origin_also_without_a_listed_origin(
    start: Start, headers: dict[str, str]
) -> None:
    gateway = start(*SCRIPTED, CHATD_CORS_ORIGINS="https://app.example")
    answer = gateway.ask("GET", "/nothing", headers=headers)

    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in answer.headers


def test_without_listed_origins_an_error_does_not_vary(gateway: Gateway) -> None:
    assert "vary" not in gateway.ask("GET", "/nothing").headers


@pytest.mark.parametrize("origin", ["app://obsidian.md", "vscode-webview://1a2b3c", "tauri://x"])
def test_listed_desktop_apps_may_call(start: Start, origin: str) -> None:
    listed = "app://obsidian.md, vscode-webview://*, tauri://*"
    gateway = start(*SCRIPTED, CHATD_CORS_ORIGINS=listed)

    assert gateway.ask("POST", "/act", headers={"Origin": origin}).status == 200
    for foreign in ("app://other", "https://1a2b3c", "null"):
        assert gateway.ask("POST", "/act", headers={"Origin": foreign}).status == 403


def test_with_keys_pages_opened_from_files_may_read_answers(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CORS_ORIGINS="null", CHATD_CALLER_KEYS="key-1")
    answer = gateway.ask("GET", "/nothing", headers={"Origin": "null", "x-api-key": "key-1"})

    assert answer.headers["access-control-allow-origin"] == "null"


@pytest.mark.parametrize("listed", ["*", "https://app.example, *", "null"])
def test_origins_that_allow_every_page_need_caller_keys(listed: str) -> None:
    status, lines = failed_start(*SCRIPTED, CHATD_CORS_ORIGINS=listed)

    assert (status, len(lines)) == (2, 1)
    assert lines[0].startswith("chatd: CHATD_CORS_ORIGINS: * and null let any web page")
    assert "CHATD_CALLER_KEYS" in lines[0]


def test_with_keys_every_page_may_call(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CORS_ORIGINS="*", CHATD_CALLER_KEYS="key-1")
    headers = {"Origin": "https://any.example", "x-api-key": "key-1"}

    assert gateway.ask("POST", "/act", headers=headers).status == 200


@pytest.mark.parametrize(
    ("site", "status"),
    [("cross-site", 403), ("unheard-of", 403), ("same-site", 200), ("same-origin", 200)],
)
def test_without_an_origin_sec_fetch_site_decides(gateway: Gateway, site: str, status: int) -> None:
    answer = gateway.ask("GET", "/things", headers={"Sec-Fetch-Site": site})

    assert answer.status == status
    assert status == 200 or answer.code == "foreign_site"


def test_an_address_typed_by_the_user_is_served(gateway: Gateway) -> None:
    assert gateway.ask("GET", "/health", headers={"Sec-Fetch-Site": "none"}).status == 200


def test_with_a_domain_as_host_same_site_pages_are_foreign() -> None:
    guard = RequestGuard(callers=None, host="dev.corp.example")
    headers = [("host", "dev.corp.example"), ("sec-fetch-site", "same-site")]

    with pytest.raises(ForeignSiteError):
        guard.admit(headers, public=False)


def test_the_name_in_host_is_accepted() -> None:
    guard = RequestGuard(callers=None, host="MyMachine")

    assert guard.admit([("host", "mymachine:3220")], public=False) is None
