"""Script a model through a task: read two files, change one, check the change, finish.

The next step follows from the conversation alone: the tools that the agent offers, and the number
of tool results so far.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.clients.stub_model import Answer, ChatRequest, RefusalError

PROMPT = "Replace red with green in {folder}/notes.txt. Then show the file with a command."
BEFORE, AFTER = "colour: red\n", "colour: green\n"
FINAL = "Done: the file says colour: green."
GREETING = "Hello from the scripted model."
THINKING = "First the files, then the change."
# A word within the text of each step, after which a stream can die.
MIDDLE = "before"
_FOLDER = re.compile(r"(/\S+)/notes\.txt")
_LINE = re.compile(r"colour: \w+")
# In the check, so that only the program's own run of the command writes the file.
CHECK = "cat notes.txt > check.txt; cat check.txt"
_PATCH = """\
*** Begin Patch
*** Update File: notes.txt
@@
-colour: red
+colour: green
*** End Patch
"""

Call = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """A text and calls of the model."""

    text: str
    calls: tuple[Call, ...] = ()


def make_folder(folder: Path) -> Path:
    """Write the files of the task into a new folder."""
    folder.mkdir()
    (folder / "notes.txt").write_text(BEFORE)
    (folder / "other.txt").write_text("size: large\n")
    return folder


def reply(request: ChatRequest) -> Answer:
    """Return the scripted answer to a request of an agent.

    Raises:
        RefusalError: For a conversation that no step of the script leads to.

    """
    results = [turn.text for turn in request.turns if turn.role == "tool"]
    thinking = THINKING if request.thinks else ""
    if not request.tools:
        return Answer("A title of the task", thinking=thinking)
    found = [_FOLDER.search(turn.text) for turn in request.turns if turn.role == "user"]
    folder = next((match[1] for match in found if match), None)
    if folder is None:
        return Answer(GREETING, thinking=thinking)
    steps = _steps(request, folder)
    counts = list(accumulate((len(step.calls) for step in steps), initial=0))
    if len(results) not in counts[:-1]:
        raise RefusalError(400, f"{len(results)} results, and none of {counts[:-1]}")
    step = steps[counts.index(len(results))]
    return Answer(step.text, step.calls, thinking, f"{len(results)}_")


def _steps(request: ChatRequest, folder: str) -> Sequence[Step]:
    # An upstream of functions alone gets a namespaced tool under a joined name.
    names = {name.rsplit("__")[-1]: name for name, _ in request.tools}
    if "Edit" in names:
        calls = _claude_code(folder)
    elif "exec_command" in names:
        calls = _codex(with_patch="apply_patch" in names)
    else:
        calls = _codex_code_mode()
    read, change, check = (tuple((names[name], given) for name, given in step) for step in calls)
    return (
        Step(f"I read both files {MIDDLE} I change one.", read),
        Step(f"I change the file {MIDDLE} I check the result.", change),
        Step(f"I check the file {MIDDLE} I report.", check),
        Step(_final(request)),
    )


def _final(request: ChatRequest) -> str:
    """Return the last text, with the line that the last result has."""
    last = [turn.text for turn in request.turns if turn.role == "tool"][-1:]
    found = _LINE.search(last[0]) if last else None
    return f"Done: the file says {found[0] if found else 'nothing'}."


def _claude_code(folder: str) -> list[list[Call]]:
    edit = {
        "file_path": f"{folder}/notes.txt",
        "old_string": BEFORE.strip(),
        "new_string": AFTER.strip(),
    }
    return [
        [("Read", {"file_path": f"{folder}/{name}"}) for name in ("notes.txt", "other.txt")],
        [("Edit", edit)],
        [("Bash", {"command": CHECK, "description": "Check the file"})],
    ]


def _codex(*, with_patch: bool) -> list[list[Call]]:
    sed: Call = ("exec_command", {"cmd": "sed -i.old s/red/green/ notes.txt"})
    patch: Call = ("apply_patch", {"input": _PATCH})
    return [
        [("exec_command", {"cmd": f"cat {name}"}) for name in ("notes.txt", "other.txt")],
        [patch if with_patch else sed],
        [("exec_command", {"cmd": CHECK})],
    ]


def _codex_code_mode() -> list[list[Call]]:
    """Return calls of the one tool that runs JavaScript, which calls the other tools."""

    def run(command: str) -> Call:
        given = json.dumps({"cmd": command})
        return ("exec", {"input": f"text((await tools.exec_command({given})).output);"})

    patch = f"text(await tools.apply_patch({json.dumps(_PATCH)}));"
    return [[run("cat notes.txt other.txt")], [("exec", {"input": patch})], [run(CHECK)]]
