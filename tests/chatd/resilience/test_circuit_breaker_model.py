"""A circuit agrees with a small model, for chats in any order."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.errors import ChatdError
from chatd.resilience.circuit_breaker_store import MemoryStore
from tests.chatd.resilience.test_circuit_breaker import INTERNAL, REFUSALS
from tests.support.circuits import Environment, stopped_clock

SOURCES = ("one", "another", "")


class Model(RuleBasedStateMachine):
    """Model a circuit's failures, opening time and probes."""

    def __init__(self) -> None:
        super().__init__()
        self._stop = stopped_clock()
        self.clock = self._stop.__enter__()
        self.environment = Environment(MemoryStore(self.clock), self.clock)
        self.failures: list[str] = []
        self.opened_at: float | None = None
        self.probed: str | None = None

    def teardown(self) -> None:
        self.environment.close()
        self._stop.__exit__(None, None, None)

    @property
    def rejects(self) -> bool:
        return self.opened_at is not None and self.clock.unix < self.opened_at + 15

    def counted(self, source: str | None) -> None:
        """Count a success, or a failure of this source."""
        if source is None:
            self.failures, self.opened_at, self.probed = [], None, None
            return
        if self.opened_at is not None:
            if source and source == self.probed:
                return
            self.probed = source
        self.failures.append(source)
        several = "" in self.failures or len(set(self.failures)) > 1
        if self.opened_at is not None or (len(self.failures) >= 5 and several):
            self.failures, self.opened_at = [], self.clock.unix

    @rule(seconds=st.integers(1, 16))
    def time_passes(self, seconds: int) -> None:
        self.clock.unix += seconds

    @precondition(lambda self: not self.rejects)
    @rule()
    def a_chat_begins(self) -> None:
        self.environment.chat()
        if self.opened_at is not None:
            self.counted(None)

    @precondition(lambda self: not self.rejects)
    @rule(times=st.integers(1, 3), source=st.sampled_from(SOURCES))
    def chats_fail(self, times: int, source: str) -> None:
        for _ in range(times):
            if not self.rejects:
                self.environment.fails(1, source=source)
                self.counted(source)

    @precondition(lambda self: not self.rejects)
    @rule(error=st.sampled_from(REFUSALS))
    def a_chat_is_refused(self, error: ChatdError) -> None:
        self.environment.ends_with(error)
        self.counted(None)

    @precondition(lambda self: not self.rejects)
    @rule(failure=st.sampled_from(INTERNAL))
    def a_chat_fails_internally(self, failure: Exception) -> None:
        self.environment.ends_with(failure)

    @rule()
    def a_stream_ends(self) -> None:
        self.environment.ended()
        if self.opened_at is None:
            self.counted(None)

    @rule(source=st.sampled_from(SOURCES))
    def a_stream_breaks(self, source: str) -> None:
        self.environment.died(source=source)
        if self.opened_at is None:
            self.counted(source)

    @invariant()
    def an_open_circuit_rejects_chats(self) -> None:
        if self.rejects:
            assert self.environment.refusal()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
