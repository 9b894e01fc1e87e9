"""Runs the cells of the table: one gateway for all, and a few pairs of providers side by side.

Most of a run is waiting, so the cells go through in lanes, each with a provider that fails and one
that could be asked instead. Every cell has provider rows of its own, so that none meets another's
limits or circuit. It knows nothing of what is to come out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path

from tests.faults.caller import SURFACES, Heard, gateway, hear
from tests.faults.cases import OTHER_TEXT, Case, Company, Outcome
from tests.faults.fault_list import TEXT, Way
from tests.support.dialect_streams import DIALECTS, Asked, Dialect
from tests.support.faults import answers, black_hole, closed_port, refuses, scripted
from tests.support.faulty_upstream import Act, Attempt, Faulty, faulty


@dataclass(frozen=True, slots=True)
class Seen:
    """What a cell gave.

    Attributes:
        first: The name of the provider that fails.
        next: The name of the other.
        heard: What the caller got.
        attempts: What the failing provider saw; empty where it cannot see.
        instead: What the other saw.

    """

    first: str
    next: str
    heard: Heard
    attempts: Sequence[Attempt]
    instead: Sequence[Attempt]

    @property
    def outcome(self) -> Outcome:
        """What the caller got, as the claims have it."""
        assert self.heard.complete == (self.heard.error is None), "neither, or both"
        return Outcome(self.heard.status, self.heard.code, self.heard.text)


@dataclass(frozen=True, slots=True)
class Cell:
    """A case under names of its own."""

    name: str
    case: Case
    surface: str

    @property
    def next_dialect(self) -> Dialect:
        """Another dialect than the failing provider's, and one that knows turns."""
        other = "ollama" if self.case.dialect.name == "openai" else "openai"
        return DIALECTS[other]

    def toml(self, first: str, next_: str) -> str:
        """Its rows of chatd.toml, for providers at these URLs."""
        limits = ", ".join(f"{name} = {value}" for name, value in self.case.seen.limits.items())
        # An answer that was begun can spend the time of both models.
        spends = self.case.seen.costs == "total" and self.case.seen.begun
        total = f"total = {self.case.limits.total}" if spends else ""
        streamed = self.case.way is Way.STREAMED
        prefill = self.case.company in (Company.CONTINUES, Company.ECHOES, Company.REFUSES)
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
    """A provider that fails, and another: cells go through one after the other."""

    first: Faulty
    next: Faulty

    def run(self, cell: Cell) -> Seen:
        """Ask for one cell's chat, on new connections: what fails on a kept one is sent anew."""
        self.first.hang_up()
        self.next.hang_up()
        self.first.attempts, self.next.attempts = [], []
        self.first.script = scripted(*cell.case.fault.acts)
        self.next.script = _next_script(cell.case.company)
        self.next.text = _next_text(cell.case.company)
        heard = hear(cell.model, "Why?", cell.surface, stream=cell.case.way is Way.STREAM)
        return Seen(
            f"{cell.name}_first",
            f"{cell.name}_next",
            heard,
            tuple(self.first.attempts),
            tuple(self.next.attempts),
        )


def run(cases: Sequence[Case], folder: Path, *, lanes: int) -> dict[str, Seen]:
    """What every case gave, by its name.

    Args:
        cases: Which.
        folder: Where chatd.toml can be written to.
        lanes: How many are run side by side.

    """
    with ExitStack() as open_ones:
        elsewhere = {
            "black hole": open_ones.enter_context(black_hole()),
            "closed port": open_ones.enter_context(closed_port()),
        }
        pairs = [
            Lane(*(open_ones.enter_context(faulty(scripted(answers()), _right)) for _ in "12"))
            for _ in range(lanes)
        ]
        cells = [
            Cell(f"c{number}", case, SURFACES[number % 2]) for number, case in enumerate(cases)
        ]
        rows = [
            cell.toml(elsewhere.get(cell.case.fault.place, lane.first.url), lane.next.url)
            for cell, lane in zip(cells, cycle(pairs), strict=False)
        ]
        config = folder / "chatd.toml"
        config.write_text("".join(rows))

        def through(number: int) -> list[tuple[str, Seen]]:
            """One lane's cells."""
            return [(str(cell.case), pairs[number].run(cell)) for cell in cells[number::lanes]]

        with gateway(config), ThreadPoolExecutor(lanes) as pool:
            return dict(chain.from_iterable(pool.map(through, range(lanes))))


def _right(asked: Asked) -> str:
    """The answer, or what is left of it to say."""
    return TEXT.removeprefix(asked.prefill)


def _next_text(company: Company) -> Callable[[Asked], str]:
    whole = {Company.DIVERGES: OTHER_TEXT, Company.ECHOES: TEXT}.get(company)
    return _right if whole is None else lambda _asked: whole


def _next_script(company: Company) -> Callable[[Asked], Act]:
    refusing = company is Company.REFUSES
    return lambda asked: refuses(400) if refusing and asked.prefill else answers()
