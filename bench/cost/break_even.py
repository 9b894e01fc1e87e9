"""Find the number of chats from which a bill is lower than that of functions."""

from __future__ import annotations

from dataclasses import replace

from bench.cost.bills import Option, functions
from bench.cost.prices import Free, Prices
from bench.cost.workload import Workload

_MOST_CHATS = 1e9
_STEPS = 400


def break_even(option: Option, work: Workload, prices: Prices, free: Free) -> float | None:
    """Return the monthly number of chats above which an option stays cheaper than functions.

    Returns:
        The number, or None if functions cost the same or less up to 10^9 chats.

    """

    def not_cheaper(chats: float) -> bool:
        month = replace(work, chats=chats)
        return option(month, prices, free).total >= functions(month, prices, free).total

    grid: list[float] = [_MOST_CHATS ** (step / _STEPS) for step in range(_STEPS + 1)]
    last = next((step for step in range(_STEPS, -1, -1) if not_cheaper(grid[step])), None)
    if last is None:
        return 1.0
    if last == _STEPS:
        return None
    low, high = grid[last], grid[last + 1]
    while high - low > 1:
        middle = (low + high) / 2
        low, high = (middle, high) if not_cheaper(middle) else (low, middle)
    return high
