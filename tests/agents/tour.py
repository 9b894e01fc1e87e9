"""Script a model that looks at a picture, searches the web if it can, and reports both."""

from __future__ import annotations

import re
from pathlib import Path

from tests.agents.task import Call
from tests.clients.scripts.cases import PNG
from tests.clients.stub_model import Answer, ChatRequest

PROMPT = "Look at {folder}/picture.png, and search the web for the weather."
FOUND = "It is sunny in Zürich."
_PICTURE = re.compile(r"(/\S+/picture\.png)")


def make_folder(folder: Path) -> Path:
    """Write the picture into a new folder."""
    folder.mkdir()
    (folder / "picture.png").write_bytes(PNG)
    return folder


def reply(request: ChatRequest) -> Answer:
    """Return the scripted answer to a request of an agent, or to the search that it begins."""
    names = {name.rsplit("__")[-1]: name for name, _ in request.tools}
    if not names:
        return Answer(FOUND)
    calls = _calls(names, _picture(request))
    results = [turn.text for turn in request.turns if turn.role == "tool"]
    if len(results) < len(calls):
        return Answer(calls=(calls[len(results)],), series=f"{len(results)}_")
    return Answer(report(request, searched=FOUND in results[-1]))


def report(request: ChatRequest, *, searched: bool) -> str:
    """Return the last text: the number of pictures that the model got, and what it found."""
    images = [image for turn in request.turns for image in turn.images]
    return f"{len(images)} picture. {FOUND if searched else 'No search.'}"


def _picture(request: ChatRequest) -> str:
    texts = [turn.text for turn in request.turns if turn.role == "user"]
    return next(found[1] for found in map(_PICTURE.search, texts) if found)


def _calls(names: dict[str, str], picture: str) -> list[Call]:
    if "view_image" in names:
        return [(names["view_image"], {"path": picture})]
    return [(names["Read"], {"file_path": picture}), (names["WebSearch"], {"query": "weather"})]
