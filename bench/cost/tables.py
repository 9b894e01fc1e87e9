"""Render bills and prices as the Markdown tables of docs/cost.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace

from bench.cost.bills import OPTIONS, Bill, functions
from bench.cost.break_even import break_even
from bench.cost.prices import ALWAYS_FREE, READ, Free, Prices
from bench.cost.workload import Workload

LENGTHS = (100, 500, 2000)
SIZES = (256, 512, 1024)
MONTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
MILLION = 1_000_000
_PAID = Free()


def per_million(work: Workload, prices: Prices) -> str:
    """Return the table of USD per million chats, by output tokens and function memory."""
    head = [*(f"{size} MB" for size in SIZES), f"of which waiting, at {work.memory} MB"]
    rows = []
    for tokens in LENGTHS:
        month = replace(work, tokens=float(tokens), chats=MILLION)
        by_size = [functions(replace(month, memory=size), prices, _PAID) for size in SIZES]
        waiting = functions(month, prices, _PAID).lines["waiting for the provider"]
        rows.append(
            [
                f"{tokens:,} tokens, {month.waited:.1f} s",
                *(dollars(bill.total) for bill in by_size),
                dollars(waiting),
            ]
        )
    return _table(["Response length", *head], rows)


def lines(work: Workload, prices: Prices) -> str:
    """Return the table of all options' bills for a million chats, line by line."""
    by_option = bills(replace(work, chats=MILLION), prices, _PAID)
    names = list(dict.fromkeys(name for bill in by_option.values() for name in bill.lines))
    rows = [
        [
            name,
            *(
                dollars(bill.lines[name]) if name in bill.lines else ""
                for bill in by_option.values()
            ),
        ]
        for name in names
        if any(bill.lines.get(name) for bill in by_option.values())
    ]
    rows.append(["**total**", *(f"**{dollars(bill.total)}**" for bill in by_option.values())])
    return _table(["Per million chats", *by_option], rows)


def by_month(work: Workload, prices: Prices) -> str:
    """Return the table of USD a month, by the number of chats."""
    rows = []
    for chats in MONTHS:
        month = replace(work, chats=chats)
        columns = [functions(month, prices, ALWAYS_FREE), *bills(month, prices, _PAID).values()]
        rows.append([f"{chats:,}", *(dollars(bill.total) for bill in columns)])
    return _table(["Chats a month", "functions, less the free amounts", *OPTIONS], rows)


def break_evens(work: Workload, prices: Prices) -> str:
    """Return the table of each option's break-even with functions, by output tokens."""
    others = [name for name in OPTIONS if not name.startswith("functions")]
    rows = []
    for tokens in LENGTHS:
        month = replace(work, tokens=float(tokens))
        found = [break_even(OPTIONS[name], month, prices, _PAID) for name in others]
        rows.append([f"{tokens:,} tokens, {month.waited:.1f} s", *map(chats_text, found)])
    return _table(["Response length", *others], rows)


def sources(prices: Prices) -> str:
    """Return the table of prices with the source of each."""
    rows = [
        [
            price.metadata["unit"],
            f"{getattr(prices, price.name):.10f}".rstrip("0").rstrip("."),
            f"[page]({price.metadata['source']})",
            price.metadata["seen"],
        ]
        for price in fields(prices)
    ]
    head = ["Unit", "USD", "AWS", f"Read in {READ} at"]
    return _table(head, rows, texts=len(head))


TABLES: Mapping[str, Callable[[Workload, Prices], str]] = {
    "cost-per-million": per_million,
    "cost-lines": lines,
    "cost-by-month": by_month,
    "cost-break-even": break_evens,
    "cost-prices": lambda _work, prices: sources(prices),
}


def bills(work: Workload, prices: Prices, free: Free) -> dict[str, Bill]:
    """Return the bill of each option."""
    return {name: option(work, prices, free) for name, option in OPTIONS.items()}


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Return a Markdown table with `texts` columns of text, then columns of numbers."""
    rule = [*["---"] * texts, *["---:"] * (len(head) - texts)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def dollars(usd: float) -> str:
    """Return an amount of USD, with cents below 100."""
    return f"{usd:,.2f}" if usd < 100 else f"{usd:,.0f}"  # noqa: PLR2004  # no cents from 100 USD


def chats_text(number: float | None) -> str:
    """Return a number of chats with three significant digits."""
    if number is None:
        return "never"
    magnitude = 10 ** max(0, len(str(round(number))) - 3)
    return f"{round(number / magnitude) * magnitude:,}"
