"""Makes the second template: the first, with deploy/instances.yaml laid over it.

It knows YAML with CloudFormation's tags and how one tree is laid over another, and nothing of what
either says.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
FIRST = ROOT / "template.yaml"
OVERLAY = ROOT / "deploy" / "instances.yaml"
_HEADER = "# Made by deploy/template_overlay.py from template.yaml and deploy/instances.yaml.\n"


class OverlayError(Exception):
    """A place of the overlay that fits nothing in the first template, as one line."""


class _Loader(yaml.SafeLoader):
    """YAML in which a short tag is its long form: `!Ref X` is `{"Ref": "X"}`."""


def _intrinsic(loader: _Loader, tag: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]  # no fourth kind
    if tag == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def read(text: str) -> Any:
    """A template, with every tag in its long form."""
    return yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader


def laid_over(first: Any, over: Any, place: str = "") -> Any:
    """A tree with another laid over it.

    Args:
        first: The lower tree.
        over: The upper: a mapping is laid over a mapping by key and over a list by position, of
            which -1 is the last; None removes; anything else replaces.
        place: Where in the tree this is, for the error.

    Raises:
        OverlayError: If something is to be removed, or changed by position, that is not there.

    """
    if not isinstance(over, Mapping):
        return over
    if isinstance(first, list):
        changed = dict(enumerate(first))
    else:
        changed = dict(first) if isinstance(first, Mapping) else {}
    for name, value in over.items():
        from_the_end = isinstance(first, list) and isinstance(name, int) and name < 0
        key = name + len(first) if from_the_end else name
        here = f"{place}.{name}".lstrip(".")
        if key not in changed and (value is None or isinstance(first, list)):
            raise OverlayError(f"{OVERLAY.name}: {here}: is not in {FIRST.name}")
        if value is None:
            del changed[key]
        else:
            changed[key] = laid_over(changed.get(key), value, here)
    return list(changed.values()) if isinstance(first, list) else changed


def template() -> str:
    """The second template, as YAML."""
    merged = laid_over(read(FIRST.read_text("utf-8")), read(OVERLAY.read_text("utf-8")))
    return _HEADER + yaml.safe_dump(merged, sort_keys=False, allow_unicode=True, width=100)


def main(arguments: Sequence[str]) -> int:
    """Write it to the file that the only argument names; 1 if the two do not fit."""
    try:
        Path(arguments[0]).write_text(template(), "utf-8")
    except OverlayError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
