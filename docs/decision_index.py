"""Read the decisions' numbers, titles, dates and statuses, and write their index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(\d{4})-[a-z0-9-]+\.md")
_HEAD = re.compile(
    r"# (?P<number>\d+)\. (?P<title>[^\n]+)\n\n"
    r"Date: (?P<date>\d{4}-\d\d-\d\d)(?:, revised (?P<revised>\d{4}-\d\d-\d\d))?\."
    r" Status: (?P<status>(?:accepted|superseded by \[\d+\]\([\w.-]+\))[^.]*"
    r"(?:\.md[^.]*)*)\.(?: |\n)"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision.

    Attributes:
        file: The name of its file.
        number: As in the file's name and its heading.
        title: Its heading without the number.
        date: When it was made, and when it was revised if it was.
        status: `accepted` or `superseded by [N](file)`, with what else the status sentence has.

    """

    file: str
    number: int
    title: str
    date: str
    status: str


def read(folder: Path) -> list[Decision]:
    """Read every decision of a folder, in the order of their numbers.

    Raises:
        ValueError: With the file whose name or head is malformed, or whose number is taken.

    """
    found: dict[int, Decision] = {}
    for file in sorted(folder.glob("*.md")):
        if file.name == "README.md":
            continue
        decision = _decision(file)
        if other := found.get(decision.number):
            raise ValueError(f"{file.name} has the number of {other.file}")
        found[decision.number] = decision
    return list(found.values())


def index(folder: Path) -> str:
    """Tabulate the decisions of a folder."""
    lines = ["| | Decision | Date | Status |", "|---:|---|---|---|"]
    lines += [
        f"| {one.number} | [{one.title}]({one.file}) | {one.date} | {one.status} |"
        for one in read(folder)
    ]
    return "\n".join(lines)


def _decision(file: Path) -> Decision:
    named, head = _NAME.fullmatch(file.name), _HEAD.match(file.read_text("utf-8"))
    if not named:
        raise ValueError(f"{file.name} is not named NNNN-plain-words.md")
    if not head:
        raise ValueError(
            f"{file.name} does not begin with '# N. Title' and"
            " 'Date: YYYY-MM-DD. Status: accepted.' or '… superseded by [N](file).'"
        )
    if int(named[1]) != int(head["number"]):
        raise ValueError(f"{file.name} has the number {head['number']} in its heading")
    date = head["date"] + (f", revised {head['revised']}" if head["revised"] else "")
    return Decision(
        file=file.name,
        number=int(named[1]),
        title=head["title"],
        date=date,
        status=" ".join(head["status"].split()),
    )
