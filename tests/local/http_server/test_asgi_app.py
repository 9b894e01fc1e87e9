"""Each request becomes an event of the function, and each result a response."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from typing import Any

import pytest

from local.http_server.asgi_app import GatewayApp
from local.http_server.request_guard import RequestGuard
from local.http_server.server import listener, serving
from local.routes import Function, Route
from tests.local.conftest import PATIENCE, Answer, Gateway, ask, until


def _event(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    event: dict[str, Any] = answer.json["event"]
    return event


def test_an_event_has_the_shape_of_a_rest_proxy_event(gateway: Gateway) -> None:
    event = _event(gateway.ask("POST", "/act?a=1", b'{"do": "report"}', {"User-Agent": "tester"}))

    assert event["httpMethod"] == "POST"
    assert event["path"] == event["resource"] == "/act"
    assert event["queryStringParameters"] == {"a": "1"}
    assert event["pathParameters"] is None
    assert event["stageVariables"] is None
    assert (event["body"], event["isBase64Encoded"]) == ('{"do": "report"}', False)
    context = event["requestContext"]
    assert context["identity"] == {"sourceIp": "127.0.0.1", "userAgent": "tester"}
    assert (context["httpMethod"], context["path"], context["resourcePath"]) == (
        "POST",
        "/act",
        "/act",
    )


def test_every_request_has_a_unique_id_in_event_context_and_response(gateway: Gateway) -> None:
    first, second = gateway.run_action("report"), gateway.run_action("report")

    ids = [answer.json["event"]["requestContext"]["requestId"] for answer in (first, second)]
    assert ids[0] != ids[1]
    assert [str(uuid.UUID(one)) for one in ids] == ids
    assert [answer.headers["x-amzn-requestid"] for answer in (first, second)] == ids
    assert [answer.json["context"]["aws_request_id"] for answer in (first, second)] == ids


def test_the_context_has_lambdas_fields(gateway: Gateway) -> None:
    context = gateway.run_action("report").json["context"]

    assert 0 < context.pop("remaining") <= 60_000
    context.pop("aws_request_id")
    assert context == {
        "function_name": "ScriptedFunction",
        "function_version": "$LATEST",
        "invoked_function_arn": "arn:aws:lambda:us-east-1:000000000000:function:ScriptedFunction",
        "memory_limit_in_mb": 256,
        "log_group_name": "/aws/lambda/ScriptedFunction",
        "log_stream_name": "local",
    }


def test_a_repeated_header_has_both_values_in_the_event(gateway: Gateway) -> None:
    connection = gateway.connect()
    connection.putrequest("POST", "/act")
    for value in ("one", "two"):
        connection.putheader("X-Many", value)
    connection.endheaders()
    event = json.loads(connection.getresponse().read())["event"]
    connection.close()

    assert event["multiValueHeaders"]["x-many"] == ["one", "two"]
    assert event["headers"]["x-many"] == "two"


def test_a_repeated_query_parameter_has_both_decoded_values_in_the_event(gateway: Gateway) -> None:
    event = _event(gateway.ask("POST", "/act?n=1&n=a%20b&empty="))

    assert event["multiValueQueryStringParameters"] == {"n": ["1", "a b"], "empty": [""]}
    assert event["queryStringParameters"] == {"n": "a b", "empty": ""}


def test_without_a_query_the_parameters_are_null(gateway: Gateway) -> None:
    event = _event(gateway.ask("POST", "/act"))

    assert event["queryStringParameters"] is event["multiValueQueryStringParameters"] is None
    assert event["body"] is None


def test_a_body_that_is_not_utf8_is_base64_in_the_event(gateway: Gateway) -> None:
    event = _event(gateway.ask("POST", "/act", b"\xff\xfe\x00"))

    assert (event["body"], event["isBase64Encoded"]) == ("//4A", True)


def test_a_chunked_body_is_complete_in_the_event(gateway: Gateway) -> None:
    connection = gateway.connect()
    connection.request("POST", "/act", iter([b"chunk ", b"by ", b"chunk"]), encode_chunked=True)
    event = json.loads(connection.getresponse().read())["event"]
    connection.close()

    assert event["body"] == "chunk by chunk"


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/things/known", "/things/known", None),
        ("/things/7", "/things/{id}", {"id": "7"}),
        ("/things/a%2Fb", "/things/{id}", {"id": "a%2Fb"}),
        ("/things/7/parts/a/b", "/things/{id}/parts/{rest+}", {"id": "7", "rest": "a/b"}),
    ],
)
def test_path_parameters_are_those_of_api_gateway(
    gateway: Gateway, path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    event = _event(gateway.ask("GET", path))

    assert (event["resource"], event["pathParameters"]) == (resource, parameters)
    assert event["path"] == path


def test_method_any_accepts_every_method(gateway: Gateway) -> None:
    methods = [_event(gateway.ask(name, "/any"))["httpMethod"] for name in ("DELETE", "PATCH")]

    assert methods == ["DELETE", "PATCH"]


def test_a_preflight_route_of_the_template_reaches_the_function(gateway: Gateway) -> None:
    assert _event(gateway.ask("OPTIONS", "/act"))["httpMethod"] == "OPTIONS"


def test_an_unknown_path_is_404_and_lists_the_routes(gateway: Gateway) -> None:
    answer = gateway.ask("GET", "/nothing")

    assert (answer.status, answer.code) == (404, "route_not_found")
    assert "'/things/{id}'" in answer.json["error"]["message"]
    assert (answer.json["type"], answer.json["request_id"]) == (
        "error",
        answer.headers["request-id"],
    )


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_wrong_method_is_405_with_the_allowed_methods(gateway: Gateway, method: str) -> None:
    answer = gateway.ask(method, "/act")

    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "OPTIONS, POST"


def test_head_on_a_get_route_is_405_without_a_body(gateway: Gateway) -> None:
    answer = gateway.ask("HEAD", "/things")

    assert (answer.status, answer.headers["allow"], answer.body) == (405, "GET", b"")


def test_head_on_an_any_route_is_200_without_a_body(gateway: Gateway) -> None:
    answer = gateway.ask("HEAD", "/any")

    assert (answer.status, answer.body) == (200, b"")


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_a_content_length_over_5_mb_is_413_before_the_body_is_sent(
    gateway: Gateway, expect: bytes
) -> None:
    head = b"POST /act HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5242881\r\n" + expect
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE) as sock:
        sock.sendall(head + b"\r\n")
        answer = sock.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer


def test_a_sender_of_more_than_5_mb_can_read_the_413_with_the_figures(gateway: Gateway) -> None:
    answer = gateway.ask("POST", "/act", b"x" * (5 * 1024 * 1024 + 1))

    assert (answer.status, answer.code) == (413, "request_too_large")
    assert answer.headers["connection"] == "close"
    assert answer.json["error"]["message"].startswith(
        "the request has 5,242,881 bytes or more, and chatd takes at most 5,242,880 (5 MB)"
    )


def test_an_endless_chunked_body_is_413_after_5_mb(gateway: Gateway) -> None:
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=PATIENCE) as sock:
        sock.sendall(b"POST /act HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(6):
            sock.sendall(b"100000\r\n" + b"x" * 0x100000 + b"\r\n")
        head = sock.recv(65536)
        # The body does not go on, and the gateway closes the connection.
        rest = until(lambda: sock.recv(65536) == b"", "the end of the connection")

    assert head.startswith(b"HTTP/1.1 413 ")
    assert rest


def test_a_body_of_almost_5_mb_is_accepted(gateway: Gateway) -> None:
    answer = gateway.run_action("log", line="x" * (5 * 1024 * 1024 - 100))

    assert answer.status == 204


def test_a_result_becomes_a_response(gateway: Gateway) -> None:
    result = {
        "statusCode": 201,
        "headers": {"X-One": "1", "X-Both": "lost", "Content-Length": "7", "X-Number": 5},
        "multiValueHeaders": {"x-both": ["a", "b"], "X-Yes": [True]},
        "body": "é",
    }
    answer = gateway.run_action("result", result=result)

    assert (answer.status, answer.body) == (201, "é".encode())
    assert [value for name, value in answer.all_headers if name.lower() == "x-both"] == ["a", "b"]
    assert (answer.headers["x-one"], answer.headers["x-number"]) == ("1", "5")
    assert answer.headers["x-yes"] == "true"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == "2"


def test_a_base64_result_becomes_bytes(gateway: Gateway) -> None:
    answer = gateway.run_action("binary")

    assert (answer.body, answer.headers["content-type"]) == (
        bytes(range(256)),
        "application/octet-stream",
    )


@pytest.mark.parametrize(
    "result",
    [
        None,
        "a text",
        {},
        {"statusCode": "many"},
        {"statusCode": 42},
        {"statusCode": 200, "body": {"not": "a text"}},
        {"statusCode": 200, "body": "%", "isBase64Encoded": True},
        {"statusCode": 200, "headers": ["X-One"]},
        {"statusCode": 200, "headers": {"X One": "1"}},
        {"statusCode": 200, "headers": {"X-One": "1\r\nX-Two: 2"}},
        {"statusCode": 200, "headers": {"X-One": {"a": 1}}},
        {"statusCode": 200, "multiValueHeaders": {"X-One": "1"}},
    ],
)
def test_a_malformed_result_is_502(gateway: Gateway, result: Any) -> None:
    answer = gateway.run_action("result", result=result)

    assert (answer.status, answer.code) == (502, "internal_error")
    assert answer.json["error"]["message"] == "Internal server error"


def test_a_status_as_text_is_accepted(gateway: Gateway) -> None:
    assert gateway.run_action("result", result={"statusCode": "202"}).status == 202


def test_a_204_has_neither_body_nor_content_length(gateway: Gateway) -> None:
    answer = gateway.run_action("result", result={"statusCode": 204, "body": "dropped"})

    assert (answer.status, answer.body) == (204, b"")
    assert "content-length" not in answer.headers


def test_a_failure_of_the_server_is_a_500_in_the_shape_of_every_error() -> None:
    function = Function("Missing", "missing.handler", 3, 128)
    app = GatewayApp([Route("/", ("GET",), function)], {}, RequestGuard(None, "127.0.0.1"))

    async def ask_once() -> Answer:
        with listener("127.0.0.1", 0) as sock:
            port = sock.getsockname()[1]
            async with serving(app, sock):
                return await asyncio.to_thread(ask, port, "GET", "/")

    answer = asyncio.run(ask_once())

    assert (answer.status, answer.code) == (500, "internal_error")
