"""Ask for a deployment's stack, region, profile and parameters, and keep the answers.

They go into the section of samconfig.local.toml that ENV names, where every command reads them;
other sections stay as they are. `sam deploy --guided` is not used: it saves what only `sam deploy`
reads, and asks after the build what the build had to know.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy import configuration
from deploy.configuration import Choices
from deploy.errors import CommandError

_HEADER = "# Yours alone; written by make deploy GUIDED=1, laid over samconfig.toml.\n"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def asked(choices: Choices, root: Path = configuration.ROOT) -> Choices:
    """Ask for everything, save the answers, and give the choices that are left.

    An empty answer keeps what is in brackets; a single - empties it.

    Raises:
        CommandError: If standard input ends before the last question.

    """
    known = configuration.declared(choices.instances, root)
    now = _now(choices, root)
    _say(f"Enter keeps what is in [brackets], - empties it. Kept in {configuration.LOCAL}.\n")
    stack = _ask("Stack name", now.stack, configuration.checked_stack)
    region = _ask("AWS region", now.region or "", _region)
    profile = _ask("AWS profile (empty: the environment's)", now.profile or "", str)
    # What only the other template has is kept.
    parameters = {name: value for name, value in _saved(choices, root).items() if name not in known}
    for name, parameter in known.items():
        default = str(parameter.get("Default", ""))
        _say(f"\n{' '.join(str(parameter['Description']).split())}\n")
        value = _ask(name, now.parameters.get(name, default), _check_of(parameter))
        if value != default or name in now.parameters:
            parameters[name] = value
    suffix = "-instances" if choices.instances else ""
    section = {
        "global": {
            "stack_name": stack.removesuffix(suffix),
            "region": region,
            **({"profile": profile} if profile else {}),
            "parameter_overrides": [f"{name}={value}" for name, value in parameters.items()],
        }
    }
    _save(root / configuration.LOCAL, choices.env, section)
    return replace(choices, stack=None, region=None, profile=None, parameters={})


def _now(choices: Choices, root: Path) -> configuration.Deployment:
    """Load the present configuration; a new section begins as the default one."""
    try:
        return configuration.load(choices, root)
    except CommandError:
        stack = choices.stack or f"chatd-{choices.env}"
        found = configuration.load(replace(choices, env="default", stack=stack), root)
        return replace(found, region=choices.region)


def _saved(choices: Choices, root: Path) -> dict[str, str]:
    """The parameters that the local file sets by now."""
    commands = configuration.parsed(root / configuration.LOCAL).get(choices.env, {})
    return {
        name: value
        for tables in commands.values()
        for name, value in configuration.overrides(
            tables.get("parameters", {}).get("parameter_overrides")
        ).items()
    }


def _check_of(parameter: Mapping[str, Any]) -> Callable[[str], str]:
    """The check that CloudFormation makes of a parameter's value."""
    allowed = [str(value) for value in parameter.get("AllowedValues", [])]
    pattern = str(parameter.get("AllowedPattern", ".*"))
    if parameter["Type"] == "Number":
        pattern = r"\d+"

    def check(value: str) -> str:
        if allowed and value not in allowed:
            raise CommandError(f"one of: {', '.join(allowed)}")
        if not re.fullmatch(pattern, value):
            raise CommandError(str(parameter.get("ConstraintDescription", "a whole number")))
        return value

    return check


def _region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise CommandError("a region such as eu-central-1")
    return value


def _ask(what: str, now: str, check: Callable[[str], str]) -> str:
    """Ask until an answer passes its check."""
    while True:
        _say(f"{what} [{now}]: ")
        line = sys.stdin.readline()
        if not line:
            raise CommandError("GUIDED=1 asks for everything, and standard input has ended")
        answer = line.strip() or now
        try:
            return check("" if answer == "-" else answer)
        except CommandError as error:
            _say(f"  {error}\n")


def _say(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _save(path: Path, env: str, section: dict[str, dict[str, Any]]) -> None:
    """Put one section into the file; what other commands and sections have there stays."""
    kept: dict[str, dict[str, dict[str, Any]]] = {
        name: {command: dict(tables.get("parameters", {})) for command, tables in commands.items()}
        for name, commands in configuration.parsed(path).items()
        if isinstance(commands, dict)
    }
    before = kept.get(env, {})
    for settings in before.values():
        for name in ("stack_name", "region", "profile", "parameter_overrides"):
            settings.pop(name, None)
    kept[env] = {**before, "global": {**before.get("global", {}), **section["global"]}}
    path.write_text(_HEADER + configuration.toml(kept), "utf-8")
