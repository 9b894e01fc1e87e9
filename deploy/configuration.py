"""Read the one configuration that every command of a deployment uses.

It is the section of samconfig.toml that ENV names, with the same section of samconfig.local.toml
over it, and the command's own choices over both. `sam` reads one file only, so what results is
written for it to .aws-sam/samconfig.toml; `make keys`, `caller-key` and `smoke` read it here.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.errors import CommandError

ROOT = Path(__file__).resolve().parents[1]
SHARED = "samconfig.toml"
LOCAL = "samconfig.local.toml"
_COMMANDS = ("build", "deploy")
# Lambda takes names of 64 characters, and the longest is <stack>-authorizer.
MOST_STACK_NAME = 64 - len("-authorizer")
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Choices:
    """The choices of one command line.

    Attributes:
        env: The section of the configuration files.
        stack: The stack's name; None: the files'.
        region: The AWS region; None: the files', or the environment's.
        profile: The AWS profile; None: the files', or the environment's.
        instances: Whether the stack is the one on Managed Instances.
        parameters: The template's parameters, over the files'.
        yes: Whether nothing is to be confirmed.

    """

    env: str = "default"
    stack: str | None = None
    region: str | None = None
    profile: str | None = None
    instances: bool = False
    parameters: Mapping[str, str] = field(default_factory=dict)
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment: the merged configuration.

    Attributes:
        stack: The stack's name.
        region: Its region; None: the one of the environment.
        profile: The AWS profile; None: the one of the environment.
        parameters: The template's parameters that are set.
        commands: The other settings of `sam build` and of `sam deploy`, which `sam delete`
            reads too.

    """

    stack: str
    region: str | None
    profile: str | None
    parameters: Mapping[str, str]
    commands: Mapping[str, Mapping[str, Any]]

    def samconfig(self) -> str:
        """Render the configuration file for the SAM CLI."""
        named = {"stack_name": self.stack, "region": self.region, "profile": self.profile}
        common: dict[str, Any] = {key: value for key, value in named.items() if value}
        common["parameter_overrides"] = [
            f"{key}={shlex.quote(value)}" for key, value in self.parameters.items()
        ]
        return toml({"default": {"global": common, **self.commands}})


def load(choices: Choices, root: Path = ROOT) -> Deployment:
    """Read the configuration files and lay the choices over them.

    Raises:
        CommandError: With the file or the choice that is wrong, and what to do.

    """
    shared, local = parsed(root / SHARED), parsed(root / LOCAL)
    known = sorted({*shared, *local} - {"version"})
    if choices.env not in known:
        raise CommandError(
            f"ENV={choices.env}: neither {SHARED} nor {LOCAL} has such a section; there are"
            f" {', '.join(known)} (make deploy ENV={choices.env} GUIDED=1 makes one)"
        )
    # A section of the local file alone deploys as the default one does.
    base = choices.env if choices.env in shared else "default"
    sections = [_section(shared, base), _section(local, choices.env)]
    if base != choices.env:
        _taken(sections[0], "stack_name")
    parameters = {
        name: value
        for section in sections
        for command in ("global", "build", "deploy")
        for name, value in overrides(section.get(command, {}).get("parameter_overrides")).items()
    }
    common = {k: v for section in sections for k, v in _common(section).items()}
    commands = {
        command: {k: v for section in sections for k, v in section.get(command, {}).items()}
        for command in _COMMANDS
    }
    if choices.yes:
        commands["deploy"]["confirm_changeset"] = False
    suffix = "-instances" if choices.instances else ""
    default = "chatd" if choices.env == "default" else f"chatd-{choices.env}"
    named = {name: common.pop(name, None) for name in ("stack_name", "region", "profile")}
    stack = choices.stack or str(named["stack_name"] or default).removesuffix(suffix) + suffix
    # `sam delete` empties the folder, so no two stacks may share one.
    commands["deploy"]["s3_prefix"] = checked_stack(stack)
    return Deployment(
        stack=stack,
        region=choices.region or named["region"],
        profile=choices.profile or named["profile"],
        parameters=_declared(parameters, choices, root),
        commands={name: {**common, **settings} for name, settings in commands.items()},
    )


def checked_stack(name: str) -> str:
    """Check that a stack's name leaves room for the names of its functions.

    Raises:
        CommandError: If it does not, or is no stack's name at all.

    """
    if not _STACK_NAME.fullmatch(name):
        raise CommandError(
            f"the stack's name {name!r} is not one of letters, digits and hyphens that begins"
            " with a letter"
        )
    if len(name) > MOST_STACK_NAME:
        raise CommandError(
            f"the stack's name {name!r} has {len(name)} characters; the most is {MOST_STACK_NAME},"
            " since a function's name is the stack's with an ending"
        )
    return name


def overrides(value: Any) -> dict[str, str]:
    """Read `parameter_overrides` in each of the forms that the SAM CLI takes.

    Args:
        value: A mapping, a list of `Name=value`, or one text of them.

    Raises:
        CommandError: If a part of it is not `Name=value`.

    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(name): str(given) for name, given in value.items()}
    try:
        texts = [value] if isinstance(value, str) else list(value)
        parts = [part for text in texts for part in shlex.split(str(text))]
    except (TypeError, ValueError):
        raise CommandError(f"the parameters {value!r} are not Name=value …") from None
    found = {}
    for part in parts:
        name, equals, given = part.partition("=")
        if name == "ParameterKey":  # ParameterKey=Name,ParameterValue=value
            name, _, given = given.partition(",ParameterValue=")
        if not equals or not name:
            raise CommandError(f"the parameter {part!r} is not Name=value")
        found[name] = given
    return found


def declared(instances: bool, root: Path = ROOT) -> dict[str, dict[str, Any]]:  # noqa: FBT001  # which of two templates
    """Read the parameters of the template, or of the one on Managed Instances."""
    from deploy import template_overlay as second  # noqa: PLC0415  # PyYAML, which an answer may not need

    first = second.read((root / "template.yaml").read_text("utf-8"))
    if instances:
        over = second.read((root / "deploy" / "instances.yaml").read_text("utf-8"))
        first = second.laid_over(first, over)
    parameters: dict[str, dict[str, Any]] = first["Parameters"]
    return parameters


def toml(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Write `[env.command.parameters]` tables of texts, numbers, truths and lists of them."""
    lines = ["version = 0.1"]
    for env, commands in tables.items():
        for command, settings in commands.items():
            if settings:
                lines += ["", f"[{env}.{command}.parameters]"]
                # JSON's texts, lists and truths are TOML's.
                lines += [
                    f"{name} = {json.dumps(value, ensure_ascii=False)}"
                    for name, value in settings.items()
                ]
    return "\n".join([*lines, ""])


def add_choices(parser: argparse.ArgumentParser) -> None:
    """Add the options that every command has."""
    parser.add_argument("--env", default="default", help="the section of samconfig.toml")
    parser.add_argument("--stack", help="another stack than the section's")
    parser.add_argument("--region", help="another region than the section's")
    parser.add_argument("--profile", help="another AWS profile than the section's")
    parser.add_argument("--instances", action="store_true", help="the stack on Managed Instances")


def chosen(options: argparse.Namespace, **more: Any) -> Choices:
    """Make the choices of those options."""
    return Choices(
        env=options.env,
        stack=options.stack,
        region=options.region,
        profile=options.profile,
        instances=options.instances,
        **more,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the file that `sam` reads; 1 if the configuration is wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    add_choices(parser)
    parser.add_argument("--architecture", help="the processor; goes before the parameter")
    parser.add_argument("--yes", action="store_true", help="confirm nothing")
    parser.add_argument("--confirms", action="store_true", help="the command may ask to confirm")
    parser.add_argument("--guided", action="store_true", help="ask for everything first")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    try:
        # From the environment, where make puts it: there its quotes need no care.
        given = overrides(os.environ.get("PARAMS", ""))
        if options.architecture:
            given["Architecture"] = options.architecture
        choices = chosen(options, parameters=given, yes=options.yes)
        if options.guided:
            from deploy import guided_setup  # noqa: PLC0415  # it imports this module

            choices = guided_setup.asked(choices)
        deployment = load(choices)
        if options.confirms:
            _confirmable(deployment)
    except CommandError as error:
        sys.stderr.write(f"chatd: {error}\n")
        return 1
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(deployment.samconfig(), "utf-8")
    return 0


def _confirmable(deployment: Deployment) -> None:
    """Refuse a deployment that asks for confirmation without a terminal."""
    asks = deployment.commands["deploy"].get("confirm_changeset", False)
    if asks and not sys.stdin.isatty():
        raise CommandError(
            "this deployment is to be confirmed on a terminal, and there is none; YES=1 deploys"
            " without asking"
        )


def parsed(path: Path) -> dict[str, Any]:
    """Read a configuration file; one that is not there is empty.

    Raises:
        CommandError: If it is not TOML, or cannot be read.

    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # TOMLDecodeError and UnicodeDecodeError among them
        raise CommandError(f"{path.name} cannot be read: {error}") from None


def _section(file: Mapping[str, Any], env: str) -> dict[str, dict[str, Any]]:
    """A section's settings by command."""
    return {
        command: dict(tables.get("parameters", {})) for command, tables in file.get(env, {}).items()
    }


def _common(section: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Remove and return the settings of a section that hold for every command."""
    _taken(section, "parameter_overrides")
    found = section.pop("global", {})
    return {**found, **_taken(section, "stack_name", "region", "profile")}


def _taken(commands: Mapping[str, dict[str, Any]], *names: str) -> dict[str, Any]:
    """Remove named settings from every command, and return their values."""
    found = {}
    for settings in commands.values():
        for name in names:
            if name in settings:
                found[name] = settings.pop(name)
    return found


def _declared(parameters: Mapping[str, str], choices: Choices, root: Path) -> dict[str, str]:
    """The parameters that the template has, the choices' over the files'.

    A file may name what only one of the two templates has; a choice may not.
    """
    known = declared(choices.instances, root)
    other = declared(not choices.instances, root)
    _refuse(set(parameters) - set(known) - set(other), known, f"{SHARED} or {LOCAL}")
    _refuse(set(choices.parameters) - set(known), known, "PARAMS")
    return {
        name: value for name, value in {**parameters, **choices.parameters}.items() if name in known
    }


def _refuse(unknown: Iterable[str], known: Iterable[str], where: str) -> None:
    if names := ", ".join(map(repr, sorted(unknown))):
        raise CommandError(f"{where}: there is no parameter {names}; there are {', '.join(known)}")


if __name__ == "__main__":
    sys.exit(main())
