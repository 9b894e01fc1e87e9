"""What chats cost: a calculator, and the tables of docs/cost.md.

    python -m bench.cost --chats 20000 --tokens 800 --memory 256

It knows how bills are shown; bills.py makes them, and prices.py has the prices.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path

from bench.cost.bills import OPTIONS, Bill, Work, break_even, functions
from bench.cost.prices import ALWAYS_FREE, READ, Free, Prices, PricesError, read

LENGTHS = (100, 500, 2000)
SIZES = (256, 512, 1024)
MONTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MILLION = 1_000_000
_PAID = Free()


def per_million(work: Work, prices: Prices) -> str:
    """Dollars per million chats, by the answer's length and the function's memory."""
    head = [*(f"{size} MB" for size in SIZES), f"of that, waiting at {work.memory} MB"]
    rows = []
    for tokens in LENGTHS:
        month = replace(work, tokens=float(tokens), chats=MILLION)
        bills = [functions(replace(month, memory=size), prices, _PAID) for size in SIZES]
        waiting = functions(month, prices, _PAID).lines["waiting for the provider"]
        rows.append(
            [
                f"{tokens:,} tokens, {month.waited:.1f} s",
                *(_dollars(bill.total) for bill in bills),
                _dollars(waiting),
            ]
        )
    return _table(["An answer of", *head], rows)


def lines(work: Work, prices: Prices) -> str:
    """The bills of all options for a million chats, line by line."""
    bills = _bills(replace(work, chats=MILLION), prices, _PAID)
    names = list(dict.fromkeys(name for bill in bills.values() for name in bill.lines))
    rows = [
        [
            name,
            *(_dollars(bill.lines[name]) if name in bill.lines else "" for bill in bills.values()),
        ]
        for name in names
        if any(bill.lines.get(name) for bill in bills.values())
    ]
    rows.append(["**together**", *(f"**{_dollars(bill.total)}**" for bill in bills.values())])
    return _table(["A million chats", *bills], rows)


def by_month(work: Work, prices: Prices) -> str:
    """Dollars a month, by how many chats there are in it."""
    rows = []
    for chats in MONTHS:
        month = replace(work, chats=chats)
        bills = [functions(month, prices, ALWAYS_FREE), *_bills(month, prices, _PAID).values()]
        rows.append([f"{chats:,}", *(_dollars(bill.total) for bill in bills)])
    return _table(["Chats a month", "functions, less what is free", *OPTIONS], rows)


def break_evens(work: Work, prices: Prices) -> str:
    """From how many chats a month each option is cheaper than functions, by the answer's length."""
    others = [name for name in OPTIONS if not name.startswith("functions")]
    rows = []
    for tokens in LENGTHS:
        month = replace(work, tokens=float(tokens))
        found = [break_even(OPTIONS[name], month, prices, _PAID) for name in others]
        rows.append([f"{tokens:,} tokens, {month.waited:.1f} s", *map(_chats, found)])
    return _table(["An answer of", *others], rows)


def sources(prices: Prices) -> str:
    """The prices, and where each was read."""
    rows = [
        [
            price.metadata["what"],
            f"{getattr(prices, price.name):.10f}".rstrip("0").rstrip("."),
            f"[page]({price.metadata['source']})",
            price.metadata["seen"],
        ]
        for price in fields(prices)
    ]
    head = ["What", "USD", "AWS", f"Read in {READ} at"]
    return _table(head, rows, texts=len(head))


TABLES: Mapping[str, Callable[[Work, Prices], str]] = {
    "cost-per-million": per_million,
    "cost-lines": lines,
    "cost-by-month": by_month,
    "cost-break-even": break_evens,
    "cost-prices": lambda _work, prices: sources(prices),
}


def _bills(work: Work, prices: Prices, free: Free) -> dict[str, Bill]:
    return {name: option(work, prices, free) for name, option in OPTIONS.items()}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A table of Markdown, of which so many columns are text and the others numbers."""
    rule = [*["---"] * texts, *["---:"] * (len(head) - texts)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def _dollars(usd: float) -> str:
    return f"{usd:,.2f}" if usd < 100 else f"{usd:,.0f}"  # noqa: PLR2004  # cents say nothing there


def _chats(number: float | None) -> str:
    """A number of chats in three digits, since the rest is not known."""
    if number is None:
        return "never"
    magnitude = 10 ** max(0, len(str(round(number))) - 3)
    return f"{round(number / magnitude) * magnitude:,}"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    usual = Work()
    parser = argparse.ArgumentParser(
        prog="python -m bench.cost", description="What a month of chats costs, in US dollars."
    )
    parser.add_argument("--chats", type=float, default=usual.chats, help="a month (1000000)")
    parser.add_argument("--tokens", type=float, default=usual.tokens, help="of an answer (500)")
    parser.add_argument(
        "--tokens-per-second", type=float, default=usual.rate, help="that the provider makes (60)"
    )
    parser.add_argument(
        "--first", type=float, default=usual.first, help="seconds until the first token (0.8)"
    )
    parser.add_argument(
        "--memory", type=int, default=usual.memory, help="megabytes of the chat function (512)"
    )
    parser.add_argument("--architecture", choices=["arm64", "x86_64"], default=usual.architecture)
    parser.add_argument(
        "--peak", type=float, default=usual.peak, help="the busiest moment over the average (4)"
    )
    parser.add_argument(
        "--cold", type=float, default=usual.cold, help="share of chats that meet a start (0.01)"
    )
    parser.add_argument(
        "--writes", type=float, default=usual.writes, help="to a DynamoDB table, a chat (0)"
    )
    parser.add_argument(
        "--free", action="store_true", help="less what AWS gives every account each month"
    )
    parser.add_argument(
        "--region-prices", type=Path, help="a TOML file of prices that differ from us-east-1's"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bills for the work that the arguments describe; 1 if the prices are no prices."""
    given = _arguments(arguments)
    try:
        prices = read(given.region_prices) if given.region_prices else Prices()
    except PricesError as error:
        print(error, file=sys.stderr)
        return 1
    work = Work(
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
    free = ALWAYS_FREE if given.free else _PAID
    print(f"{work.chats:,.0f} chats of {work.waited:.1f} s a month: {work.at_once:.1f} at once\n")
    for name, bill in _bills(work, prices, free).items():
        print(f"{name}: {_dollars(bill.total)}")
        for line, usd in bill.lines.items():
            if usd:
                print(f"    {_dollars(usd):>10}  {line}")
        if name not in ("functions", "functions, SnapStart"):
            found = break_even(OPTIONS[name], work, prices, free)
            print(f"    cheaper than functions from {_chats(found)} chats a month")
    return 0


if __name__ == "__main__":
    sys.exit(main())
