"""Claude Code's side requests get 404 from the HTTP server, without a worker and a log line.

Claude Code sends `HEAD /` at its start and its telemetry to `/api/event_logging/` of the same host.
"""

from __future__ import annotations

import json

from tests.local.conftest import SCRIPTED, Gateway, InBackground, Rendezvous, Start, release

EVENTS = json.dumps({"events": [{"event_type": "ClaudeCodeInternalEvent"}] * 100}).encode()


def test_head_of_the_root_is_404_without_a_body(gateway: Gateway) -> None:
    answer = gateway.ask("HEAD", "/", headers={"User-Agent": "Bun/1.4.0"})

    assert (answer.status, answer.body) == (404, b"")


def test_telemetry_is_404_on_one_connection_and_leaves_no_line(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_CALLER_KEYS="key-1")
    before = gateway.output_text
    connection = gateway.connect()
    statuses = []
    for _ in range(20):
        connection.request("POST", "/api/event_logging/batch", EVENTS)
        answer = connection.getresponse()
        statuses.append((answer.status, json.loads(answer.read())["type"]))
    connection.close()

    assert statuses == [(404, "error")] * 20
    assert gateway.output_text == before


def test_side_requests_wait_for_no_worker(
    start: Start, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    answer = in_background(lambda: gateway.run_action("wait", port=rendezvous.port))
    (handler,) = rendezvous.wait_for(1)  # the only worker is busy

    assert gateway.ask("HEAD", "/").status == 404
    assert gateway.ask("POST", "/api/event_logging/batch", EVENTS).status == 404
    release([handler])
    assert answer().status == 200
