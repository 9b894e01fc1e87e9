"""Print the monthly cost of a workload, and make the tables of docs/cost.md.

python -m bench.cost --chats 20000 --tokens 800 --memory 256
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.cost.bills import OPTIONS
from bench.cost.break_even import break_even
from bench.cost.prices import ALWAYS_FREE, Free, Prices, PricesError, read
from bench.cost.tables import bills, chats_text, dollars
from bench.cost.workload import Workload


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Workload()
    parser = argparse.ArgumentParser(
        prog="python -m bench.cost", description="Print the monthly AWS cost of a workload, in USD."
    )
    parser.add_argument("--chats", type=float, default=usual.chats, help="chats a month (1000000)")
    parser.add_argument(
        "--tokens", type=float, default=usual.tokens, help="output tokens a chat (500)"
    )
    parser.add_argument(
        "--tokens-per-second", type=float, default=usual.rate, help="the provider's output (60)"
    )
    parser.add_argument(
        "--first", type=float, default=usual.first, help="time to first token in seconds (0.8)"
    )
    parser.add_argument(
        "--memory", type=int, default=usual.memory, help="the chat function's memory in MB (512)"
    )
    parser.add_argument("--architecture", choices=["arm64", "x86_64"], default=usual.architecture)
    parser.add_argument(
        "--peak",
        type=float,
        default=usual.peak,
        help="concurrency at its highest, over the average (4)",
    )
    parser.add_argument(
        "--cold", type=float, default=usual.cold, help="share of chats with a cold start (0.01)"
    )
    parser.add_argument(
        "--writes", type=float, default=usual.writes, help="DynamoDB writes per chat (0)"
    )
    parser.add_argument("--free", action="store_true", help="subtract AWS's always-free amounts")
    parser.add_argument(
        "--region-prices", type=Path, help="TOML file of the prices that differ from us-east-1's"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bills of the workload; return 1 if the file of prices is invalid."""
    given = _arguments(arguments)
    try:
        prices = read(given.region_prices) if given.region_prices else Prices()
    except PricesError as error:
        print(error, file=sys.stderr)
        return 1
    work = Workload(
        chats=given.chats,
        tokens=given.tokens,
        rate=given.tokens_per_second,
        first=given.first,
        memory=given.memory,
        architecture=given.architecture,
        peak=given.peak,
        cold=given.cold,
        writes=given.writes,
    )
    free = ALWAYS_FREE if given.free else Free()
    print(f"{work.chats:,.0f} chats of {work.waited:.1f} s a month: {work.at_once:.1f} at once\n")
    for name, bill in bills(work, prices, free).items():
        print(f"{name}: {dollars(bill.total)}")
        for line, usd in bill.lines.items():
            if usd:
                print(f"    {dollars(usd):>10}  {line}")
        if name not in ("functions", "functions, SnapStart"):
            found = break_even(OPTIONS[name], work, prices, free)
            print(f"    cheaper than functions from {chats_text(found)} chats a month")
    return 0


if __name__ == "__main__":
    sys.exit(main())
