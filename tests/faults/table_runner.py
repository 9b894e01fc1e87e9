"""Run the cells of the table with one gateway, in parallel lanes.

Most of a run is waiting. Each lane has a failing provider and a fallback, and runs its cells one
after the other. Every cell has provider rows of its own, and so limits and a circuit of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path

from tests.faults.caller import SURFACES, Received, gateway, send_chat
from tests.faults.cases import OTHER_TEXT, Case, Fallback, Outcome
from tests.faults.fault_list import TEXT, Way
from tests.support.dialect_streams import DIALECTS, ChatRequest, Dialect
from tests.support.faults import answers, refuses, scripted
from tests.support.faulty_upstream import Act, Attempt, FaultyUpstream, faulty_upstream
from tests.support.unreachable_hosts import black_hole, closed_port

# The statuses of Anthropic's surface that differ from those of the table.
_STATUSES = {529: 503}


@dataclass(frozen=True, slots=True)
class CellResult:
    """The result of a cell.

    Attributes:
        first: The name of the failing provider.
        next: The name of the fallback.
        received: The caller's response.
        attempts: Attempts at the failing provider; empty if no connection reaches it.
        fallback_attempts: Attempts at the fallback.

    """

    first: str
    next: str
    received: Received
    attempts: Sequence[Attempt]
    fallback_attempts: Sequence[Attempt]

    @property
    def outcome(self) -> Outcome:
        """Return the caller's response in the form of the expected outcomes."""
        assert self.received.complete == (self.received.error is None), "neither, or both"
        status = self.received.status
        return Outcome(_STATUSES.get(status, status), self.received.code, self.received.text)


@dataclass(frozen=True, slots=True)
class Cell:
    """A case with its names in chatd.toml."""

    name: str
    case: Case
    surface: str

    @property
    def next_dialect(self) -> Dialect:
        """Return the fallback's dialect: another than the first provider's, with messages."""
        other = "ollama" if self.case.dialect.name == "openai" else "openai"
        return DIALECTS[other]

    def toml(self, first: str, next_: str) -> str:
        """Return the cell's rows of chatd.toml, for providers at these URLs."""
        limits = ", ".join(f"{name} = {value}" for name, value in self.case.applied.limits.items())
        # A response that has begun can spend the time of both models.
        spends_total = self.case.applied.costs == "total" and self.case.applied.begun
        total = f"total = {self.case.limits.total}" if spends_total else ""
        streamed = self.case.way is Way.STREAMED
        prefill = self.case.fallback in (Fallback.CONTINUES, Fallback.ECHOES, Fallback.REFUSES)
        return f"""
[providers.{self.name}_first]
base_url = "{first}"
{self.case.dialect.toml}
{"upstream_stream = true" if streamed else ""}
timeouts = {{ {limits} }}

[providers.{self.name}_next]
base_url = "{next_}"
{self.next_dialect.toml}
prefill = {str(prefill).lower()}
timeouts = {{ {total} }}

[tiers.{self.name}]
models = ["{self.name}_first/m", "{self.name}_next/m"]
"""

    @property
    def model(self) -> str:
        return f"{self.name}_first/m" if self.case.alone else self.name


@dataclass(frozen=True, slots=True)
class Lane:
    """A failing provider and a fallback, for one cell at a time."""

    first: FaultyUpstream
    next: FaultyUpstream

    def run(self, cell: Cell) -> CellResult:
        """Send one cell's chat over new connections: a failure on a kept one is retried."""
        self.first.hang_up()
        self.next.hang_up()
        self.first.attempts, self.next.attempts = [], []
        self.first.script = scripted(*cell.case.fault.acts)
        self.next.script = _next_script(cell.case.fallback)
        self.next.text = _next_text(cell.case.fallback)
        received = send_chat(cell.model, "Why?", cell.surface, stream=cell.case.way is Way.STREAM)
        return CellResult(
            f"{cell.name}_first",
            f"{cell.name}_next",
            received,
            tuple(self.first.attempts),
            tuple(self.next.attempts),
        )


def run(
    cases: Sequence[Case], folder: Path, *, lanes: int, surfaces: Sequence[str] = SURFACES
) -> dict[str, CellResult]:
    """Return the result of every case, by the case's name.

    Args:
        cases: The cases to run.
        folder: Folder for chatd.toml.
        lanes: Number of parallel lanes.
        surfaces: The paths of the chats, in turn.

    """
    with ExitStack() as stack:
        unserved = {
            "black hole": stack.enter_context(black_hole()),
            "closed port": stack.enter_context(closed_port()),
        }
        pairs = [
            Lane(
                *(
                    stack.enter_context(faulty_upstream(scripted(answers()), _valid_text))
                    for _ in "12"
                )
            )
            for _ in range(lanes)
        ]
        cells = [
            Cell(f"c{number}", case, surfaces[number % len(surfaces)])
            for number, case in enumerate(cases)
        ]
        rows = [
            cell.toml(unserved.get(cell.case.fault.place, lane.first.url), lane.next.url)
            for cell, lane in zip(cells, cycle(pairs), strict=False)
        ]
        config = folder / "chatd.toml"
        config.write_text("".join(rows))

        def run_lane(number: int) -> list[tuple[str, CellResult]]:
            """Run the cells of one lane."""
            return [(str(cell.case), pairs[number].run(cell)) for cell in cells[number::lanes]]

        with gateway(config), ThreadPoolExecutor(lanes) as pool:
            return dict(chain.from_iterable(pool.map(run_lane, range(lanes))))


def _valid_text(request: ChatRequest) -> str:
    """Return the answer, or its rest after the prefill."""
    return TEXT.removeprefix(request.prefill)


def _next_text(fallback: Fallback) -> Callable[[ChatRequest], str]:
    whole = {Fallback.DIVERGES: OTHER_TEXT, Fallback.ECHOES: TEXT}.get(fallback)
    return _valid_text if whole is None else lambda _request: whole


def _next_script(fallback: Fallback) -> Callable[[ChatRequest], Act]:
    refusing = fallback is Fallback.REFUSES
    return lambda request: refuses(400) if refusing and request.prefill else answers()
