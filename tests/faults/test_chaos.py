"""Random faults over 2,000 chats: none hangs, none is cut and called whole, nothing is left.

What must be true of each chat is in chaos.py.
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

from chatd.resilience.circuit_breaker import RECOVERY_SECONDS
from tests.faults.caller import SURFACES
from tests.faults.chaos import BAD, CHAT, PROVIDERS, TIERS, Chat, World, a_world, fair
from tests.support.faulty_upstream import Act

CHATS_ASKED = 2_000
# Some runs of the search are shorter than they may be.
RUNS, STEPS, CHATS_A_STEP = 60, 5, 8
# Chats that are asked once more to see what they leave in memory: the search itself remembers much.
ONCE_MORE, MEGABYTES = 300, 4.0
CHATS = st.lists(CHAT, min_size=CHATS_A_STEP, max_size=CHATS_A_STEP)


class Chaos(RuleBasedStateMachine):
    """Chats in all weathers; circuits open, and close when their time has passed."""

    world: World

    @rule(chats=CHATS)
    def chats_come(self, chats: Sequence[Chat]) -> None:
        for chat in chats:
            self.world.ask(chat)

    @rule(provider=st.sampled_from(sorted(PROVIDERS)), act=st.sampled_from(BAD), chats=CHATS)
    def chats_come_while_one_is_down(self, provider: str, act: Act, chats: Sequence[Chat]) -> None:
        self.world.down = {provider: act}
        self.chats_come(chats)
        self.world.down = {}

    @rule(chats=CHATS)
    def chats_come_after_a_while(self, chats: Sequence[Chat]) -> None:
        self.world.clock.unix += RECOVERY_SECONDS + 1
        self.chats_come(chats)


def megabytes() -> float:
    """The memory that this process has; where that is not to be had, the most that it has had."""
    try:
        pages = int(Path("/proc/self/statm").read_text("utf-8").split()[1])
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return pages * resource.getpagesize() / 2**20


def descriptors() -> int:
    """How many files and sockets this process has open."""
    gc.collect()
    return len(os.listdir("/dev/fd"))  # noqa: PTH208  # a folder of the process itself


def test_2000_chats_among_random_faults_lose_nothing_and_leave_nothing(tmp_path: Path) -> None:
    before = descriptors(), set(threading.enumerate())
    with a_world(tmp_path) as world:

        class Run(Chaos):
            """The machine in this world."""

        Run.world = world
        run_state_machine_as_test(
            Run,
            settings=settings(
                max_examples=RUNS,
                stateful_step_count=STEPS,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],  # what depends on time is not found again by shrinking
                suppress_health_check=list(HealthCheck),
            ),
        )
        searched, before_more = len(world.asked), megabytes()
        for chat in world.asked[-ONCE_MORE:]:
            world.ask(chat)
        grown = megabytes() - before_more
        world.clock.unix += RECOVERY_SECONDS + 1
        for chat in starmap(fair, product(TIERS, SURFACES, (True, False))):
            answered = world.answered
            world.ask(chat)
            assert world.answered == answered + 1, chat

    left = set(threading.enumerate()) - before[1]
    assert searched >= CHATS_ASKED
    # So that it was neither fair weather throughout nor foul.
    assert world.answered > searched / 2
    assert world.rescued > searched / 20
    assert world.diverged > searched / 1000
    assert grown < MEGABYTES
    assert [thread.name for thread in left if thread.name != "watchdog"] == []
    assert descriptors() <= before[0]
