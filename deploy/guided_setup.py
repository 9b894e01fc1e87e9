"""Prompt for the stack, region, profile and parameters of a deployment, and save the answers.

The answers go into the section ENV of samconfig.local.toml, which every command reads. Other
sections stay unchanged. `sam deploy --guided` is not used: it saves settings that only `sam deploy`
reads, and prompts after the build for settings that the build needs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from deploy import configuration, samconfig
from deploy.configuration import Choices
from deploy.errors import CommandError

_HEADER = "# Local settings that override samconfig.toml; written by make deploy GUIDED=1.\n"
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


def ask_and_save(choices: Choices, root: Path = configuration.ROOT) -> Choices:
    """Prompt for every setting, save the answers, and return the remaining choices.

    An empty answer keeps the value in brackets; a single `-` clears the value.

    Raises:
        CommandError: If standard input ends before the last question.

    """
    known = configuration.template_parameters(choices.instances, root)
    current = _load_current(choices, root)
    _print(f"Enter keeps the value in [brackets], - clears it. Answers go to {samconfig.LOCAL}.\n")
    stack = _ask("Stack name", current.stack, configuration.check_stack_name)
    region = _ask("AWS region", current.region or "", _check_region)
    profile = _ask("AWS profile (empty: from the environment)", current.profile or "", str)
    # Parameters that only the other template has are kept.
    parameters = {
        name: value for name, value in _saved_parameters(choices, root).items() if name not in known
    }
    for name, parameter in known.items():
        default = str(parameter.get("Default", ""))
        _print(f"\n{' '.join(str(parameter['Description']).split())}\n")
        value = _ask(name, current.parameters.get(name, default), _parameter_check(parameter))
        if value != default or name in current.parameters:
            parameters[name] = value
    suffix = "-instances" if choices.instances else ""
    settings = {
        "stack_name": stack.removesuffix(suffix),
        "region": region,
        **({"profile": profile} if profile else {}),
        "parameter_overrides": [f"{name}={value}" for name, value in parameters.items()],
    }
    _save(root / samconfig.LOCAL, choices.env, settings)
    return replace(choices, stack=None, region=None, profile=None, parameters={})


def _load_current(choices: Choices, root: Path) -> configuration.Deployment:
    """Load the current configuration; a new section starts from the default section."""
    try:
        return configuration.load(choices, root)
    except CommandError:
        stack = choices.stack or f"chatd-{choices.env}"
        default = configuration.load(replace(choices, env="default", stack=stack), root)
        return replace(default, region=choices.region)


def _saved_parameters(choices: Choices, root: Path) -> dict[str, str]:
    """Read the template parameters of the local file."""
    file = samconfig.read_file(root / samconfig.LOCAL)
    return samconfig.section_overrides(samconfig.section_commands(file, choices.env))


def _parameter_check(parameter: Mapping[str, Any]) -> Callable[[str], str]:
    """Build CloudFormation's check of a parameter value."""
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


def _check_region(value: str) -> str:
    if not _REGION.fullmatch(value):
        raise CommandError("a region such as eu-central-1")
    return value


def _ask(name: str, current: str, check: Callable[[str], str]) -> str:
    """Repeat a question until the answer is valid."""
    while True:
        _print(f"{name} [{current}]: ")
        line = sys.stdin.readline()
        if not line:
            raise CommandError("GUIDED=1 asks for every setting, and standard input has ended")
        answer = line.strip() or current
        try:
            return check("" if answer == "-" else answer)
        except CommandError as error:
            _print(f"  {error}\n")


def _print(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _save(path: Path, env: str, settings: dict[str, Any]) -> None:
    """Replace the settings of one section of the file, and keep other commands and sections."""
    file = samconfig.read_file(path)
    sections = {
        name: samconfig.section_commands(file, name)
        for name, commands in file.items()
        if isinstance(commands, dict)
    }
    section = sections.get(env, {})
    samconfig.pop_settings(section, "stack_name", "region", "profile", "parameter_overrides")
    sections[env] = {**section, "global": {**section.get("global", {}), **settings}}
    path.write_text(_HEADER + samconfig.render_toml(sections), "utf-8")
