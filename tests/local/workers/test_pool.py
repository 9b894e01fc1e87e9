"""A pool runs eight workers at once, one request each, and replaces ended workers."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.local.conftest import (
    SCRIPTED,
    Gateway,
    InBackground,
    Rendezvous,
    Start,
    exists,
    is_running,
    release,
    until,
)


def test_eight_requests_run_at_once_in_eight_processes(
    gateway: Gateway, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    calls = [
        in_background(lambda: gateway.run_action("wait", port=rendezvous.port)) for _ in range(8)
    ]
    release(rendezvous.wait_for(8))  # no handler returns before all eight are connected
    answers = [call() for call in calls]

    assert [answer.json["received"] for answer in answers] == ["go"] * 8
    assert len({answer.json["pid"] for answer in answers}) == 8


def test_the_ninth_request_waits_for_a_worker(
    gateway: Gateway, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    calls = [
        in_background(lambda: gateway.run_action("wait", port=rendezvous.port)) for _ in range(9)
    ]
    waiting = rendezvous.wait_for(8)

    assert rendezvous.none_waiting()
    release(waiting)
    release(rendezvous.wait_for(1))
    assert [call().status for call in calls] == [200] * 9


def test_a_function_with_all_workers_busy_does_not_block_another_function(
    gateway: Gateway, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    calls = [
        in_background(lambda: gateway.run_action("wait", port=rendezvous.port)) for _ in range(8)
    ]
    waiting = rendezvous.wait_for(8)
    other = gateway.run_action("report", "/hasty")
    release(waiting)

    assert other.json["context"]["function_name"] == "HastyFunction"
    assert [call().status for call in calls] == [200] * 8


def test_a_request_whose_caller_hangs_up_in_the_queue_is_never_run(
    start: Start, rendezvous: Rendezvous, in_background: InBackground
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    busy = in_background(lambda: gateway.run_action("wait", port=rendezvous.port))
    waiting = rendezvous.wait_for(1)
    cancelled = gateway.connect()
    cancelled.request("POST", "/act", f'{{"do": "wait", "port": {rendezvous.port}}}')
    cancelled.close()
    # The server reads its connections in turn: after these responses, it has read the hang-up.
    assert [gateway.ask("GET", "/nowhere").status for _ in range(3)] == [404] * 3
    # The queue is in order: the cancelled request would run before this one.
    last = in_background(lambda: gateway.run_action("report"))
    release(waiting)

    assert (busy().status, last().status) == (200, 200)
    assert rendezvous.none_waiting()


def test_with_one_worker_all_requests_run_in_one_process(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")

    assert len({gateway.worker() for _ in range(5)}) == 1


@pytest.mark.parametrize(
    ("act", "cause"),
    [
        ({"do": "exit"}, "exit status 3"),
        ({"do": "signal", "signal": "SIGKILL"}, "signal 9"),
        ({"do": "signal", "signal": "SIGSEGV"}, "signal 11"),
    ],
)
def test_a_crashed_worker_is_a_502_and_is_replaced(
    start: Start, act: dict[str, str], cause: str
) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    crashed = gateway.ask("POST", "/act", act)
    after = gateway.worker()

    assert (crashed.status, crashed.code) == (502, "worker_crashed")
    assert cause in crashed.json["error"]["message"]
    assert cause in gateway.output_text
    assert before != after


def test_an_idle_worker_that_is_killed_is_replaced(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    os.kill(before, signal.SIGKILL)
    until(lambda: not exists(before), "the end of the worker")

    assert gateway.worker() != before


def test_a_handlers_exception_is_a_502_without_its_text_and_the_worker_stays(start: Start) -> None:
    gateway = start(*SCRIPTED, CHATD_WORKERS="1")
    before = gateway.worker()
    answer = gateway.run_action("fail")

    assert (answer.status, answer.code) == (502, "internal_error")
    assert b"on purpose" not in answer.body
    assert "RuntimeError: on purpose" in gateway.output_text
    assert gateway.worker() == before


def test_a_result_that_is_not_json_is_a_502(gateway: Gateway) -> None:
    answer = gateway.run_action("unserializable")

    assert (answer.status, answer.code) == (502, "internal_error")


def test_a_worker_past_its_functions_timeout_is_killed_and_the_caller_gets_504(
    start: Start,
) -> None:
    gateway = start(*SCRIPTED)
    before = gateway.worker("/hasty")
    answer = gateway.run_action("hang", "/hasty")

    assert (answer.status, answer.code) == (504, "function_timeout")
    assert "HastyFunction took longer than its 1 s" in answer.json["error"]["message"]
    until(lambda: not is_running(before), "the end of the worker")
    assert gateway.worker("/hasty") != before


def test_a_handlers_output_goes_to_the_terminal(gateway: Gateway) -> None:
    gateway.run_action("log", line="a line of the log")

    until(lambda: '{"line": "a line of the log"}\n' in gateway.output_text, "the handler's line")
    until(lambda: "error of a line of the log\n" in gateway.output_text, "the handler's error line")


def test_a_workers_environment_omits_caller_keys_and_lambdas_function_name(start: Start) -> None:
    gateway = start(
        *SCRIPTED,
        CHATD_CALLER_KEYS="key-1",
        AWS_LAMBDA_FUNCTION_NAME="other",
        KIMI_API_KEY="sk-kimi",
    )
    answer = gateway.ask("POST", "/act", headers={"x-api-key": "key-1"})

    environment = answer.json["environment"]
    assert "CHATD_CALLER_KEYS" not in environment
    assert "AWS_LAMBDA_FUNCTION_NAME" not in environment
    assert environment["KIMI_API_KEY"] == "sk-kimi"


def test_requests_get_502_while_a_worker_cannot_start(start: Start, tmp_path: Path) -> None:
    handler = tmp_path / "scripted_handler.py"
    good = Path(SCRIPTED[3], "scripted_handler.py").read_text()
    handler.write_text(good)
    gateway = start(*SCRIPTED[:2], "--code", str(tmp_path), CHATD_WORKERS="1")
    handler.write_text("import nothing_of_that_name")
    gateway.run_action("exit")
    broken = gateway.run_action("report")
    handler.write_text(good)

    assert (broken.status, broken.code) == (502, "worker_crashed")
    assert "ModuleNotFoundError" in broken.json["error"]["message"]
    assert gateway.run_action("report").status == 200


def test_a_stopped_process_is_killed_at_the_end(start: Start) -> None:
    gateway = start(*SCRIPTED)
    stuck = gateway.worker()
    os.kill(stuck, signal.SIGSTOP)

    assert gateway.stop() == 0
    assert not is_running(stuck)
