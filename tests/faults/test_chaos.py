"""2,000 chats with random faults end, are whole or failed, and leak no resource.

chaos.py has the assertions on each chat.
"""

from __future__ import annotations

import gc
import os
import resource
import threading
from collections.abc import Sequence
from itertools import product, starmap
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from chatd.resilience.circuit_breaker_store import RECOVERY_SECONDS
from tests.faults.caller import SURFACES
from tests.faults.chaos import World, running_world
from tests.faults.chaos_chats import BAD, CHAT, PROVIDERS, TIERS, Chat, chat_without_faults
from tests.support.faulty_upstream import Act

LEAST_CHATS = 2_000
# Some runs of the search are shorter than STEPS.
RUNS, STEPS, CHATS_A_STEP = 64, 5, 8
# Chats repeated to measure their leaks: the search itself keeps much in memory.
REPEATED, MEGABYTES = 300, 4.0
CHATS = st.lists(CHAT, min_size=CHATS_A_STEP, max_size=CHATS_A_STEP)


class Chaos(RuleBasedStateMachine):
    """Chats with and without an outage; breakers open, and close after their recovery time."""

    world: World

    @rule(chats=CHATS)
    def send_chats(self, chats: Sequence[Chat]) -> None:
        for chat in chats:
            self.world.send(chat)

    @rule(provider=st.sampled_from(sorted(PROVIDERS)), act=st.sampled_from(BAD), chats=CHATS)
    def send_chats_during_an_outage(self, provider: str, act: Act, chats: Sequence[Chat]) -> None:
        self.world.down = {provider: act}
        self.send_chats(chats)
        self.world.down = {}

    @rule(chats=CHATS)
    def send_chats_after_recovery(self, chats: Sequence[Chat]) -> None:
        self.world.clock.unix += RECOVERY_SECONDS + 1
        self.send_chats(chats)


def megabytes() -> float:
    """Return this process's resident memory in MB, or its peak where /proc is missing."""
    try:
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * resource.getpagesize() / 2**20


def descriptors() -> int:
    """Return the number of this process's open files and sockets."""
    gc.collect()
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # the process's own folder


def test_2000_chats_with_random_faults_are_whole_or_failed_and_leak_nothing(tmp_path: Path) -> None:
    before = descriptors(), set(threading.enumerate())
    with running_world(tmp_path) as world:

        class Run(Chaos):
            """The state machine, with this world."""

        Run.world = world
        run_state_machine_as_test(
            Run,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],  # shrinking does not reproduce timing
                suppress_health_check=list(HealthCheck),
            ),
        )
        searched, before_more = len(world.chats), megabytes()
        for chat in world.chats[-REPEATED:]:
            world.send(chat)
        grown = megabytes() - before_more
        world.clock.unix += RECOVERY_SECONDS + 1
        for chat in starmap(chat_without_faults, product(TIERS, SURFACES, (True, False))):
            answered = world.answered
            world.send(chat)
            assert world.answered == answered + 1, chat

    left = set(threading.enumerate()) - before[1]
    assert searched >= LEAST_CHATS
    # The mix had both successes and failures.
    assert world.answered > searched / 2
    assert world.rescued > searched / 20
    assert world.diverged > searched / 1000
    assert grown < MEGABYTES
    assert [thread.name for thread in left if thread.name != "watchdog"] == []
    assert descriptors() <= before[0]
