"""Merge the one configuration for all deployment commands.

The command line has precedence over the section ENV of samconfig.local.toml, and that over the same
section of samconfig.toml. The SAM CLI reads one file only, so deploy/write_samconfig.py writes the
merged configuration for it; `make keys`, `caller-key` and `smoke` load it here.
"""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy import template_overlay
from deploy.errors import CommandError
from deploy.samconfig import (
    LOCAL,
    SHARED,
    pop_common,
    pop_settings,
    read_file,
    render_toml,
    section_commands,
    section_overrides,
)

ROOT = Path(__file__).resolve().parents[1]
_COMMANDS = ("build", "deploy")
# Lambda limits a function name to 64 characters; the longest is <stack>-authorizer.
MAX_STACK_NAME_LENGTH = 64 - len("-authorizer")
_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Choices:
    """Hold the options of one command line.

    Attributes:
        env: The section of the configuration files.
        stack: The stack name; None takes the files' value.
        region: The AWS region; None takes the files' value, else the environment's.
        profile: The AWS profile; None takes the files' value, else the environment's.
        instances: Whether to use the stack on Managed Instances.
        parameters: Template parameters that override the files' values.
        yes: Whether to deploy without confirmation.

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
    """Hold the merged configuration of one deployment.

    Attributes:
        stack: The stack name.
        region: The AWS region; None takes the environment's.
        profile: The AWS profile; None takes the environment's.
        parameters: The template parameters that are set.
        commands: The other settings of `sam build` and `sam deploy`; `sam delete` also reads the
            latter.

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
        return render_toml({"default": {"global": common, **self.commands}})


def load(choices: Choices, root: Path = ROOT) -> Deployment:
    """Merge the configuration files and the command-line choices.

    Raises:
        CommandError: With the wrong file or choice, and what to do.

    """
    sections = _read_sections(choices.env, root)
    parameters = {k: v for section in sections for k, v in section_overrides(section).items()}
    common = {k: v for section in sections for k, v in pop_common(section).items()}
    commands = {
        command: {k: v for section in sections for k, v in section.get(command, {}).items()}
        for command in _COMMANDS
    }
    if choices.yes:
        commands["deploy"]["confirm_changeset"] = False
    named = {name: common.pop(name, None) for name in ("stack_name", "region", "profile")}
    stack = _stack_name(choices, named["stack_name"])
    # `sam delete` empties this S3 folder, so every stack has its own.
    commands["deploy"]["s3_prefix"] = check_stack_name(stack)
    return Deployment(
        stack=stack,
        region=choices.region or named["region"],
        profile=choices.profile or named["profile"],
        parameters=_merge_parameters(parameters, choices, root),
        commands={name: {**common, **settings} for name, settings in commands.items()},
    )


def _read_sections(env: str, root: Path) -> list[dict[str, dict[str, Any]]]:
    """Read a section of the shared file and of the local file.

    A section of the local file alone is based on the shared file's default section.
    """
    shared, local = read_file(root / SHARED), read_file(root / LOCAL)
    known = sorted({*shared, *local} - {"version"})
    if env not in known:
        raise CommandError(
            f"ENV={env}: neither {SHARED} nor {LOCAL} has this section; the sections are"
            f" {', '.join(known)} (make deploy ENV={env} GUIDED=1 adds one)"
        )
    base = section_commands(shared, env if env in shared else "default")
    if env not in shared:
        pop_settings(base, "stack_name")
    return [base, section_commands(local, env)]


def _stack_name(choices: Choices, configured: str | None) -> str:
    default = "chatd" if choices.env == "default" else f"chatd-{choices.env}"
    suffix = "-instances" if choices.instances else ""
    return choices.stack or str(configured or default).removesuffix(suffix) + suffix


def check_stack_name(name: str) -> str:
    """Check a stack name's characters and length.

    Raises:
        CommandError: If the name is not valid or too long.

    """
    if not _STACK_NAME.fullmatch(name):
        raise CommandError(
            f"the stack name {name!r} must consist of letters, digits and hyphens, and begin with"
            " a letter"
        )
    if len(name) > MAX_STACK_NAME_LENGTH:
        raise CommandError(
            f"the stack name {name!r} has {len(name)} characters; the maximum is"
            f" {MAX_STACK_NAME_LENGTH}, because function names are the stack name with a suffix"
        )
    return name


def template_parameters(instances: bool, root: Path = ROOT) -> dict[str, dict[str, Any]]:  # noqa: FBT001  # which of two templates
    """Read the parameters of template.yaml, or of the template for Managed Instances."""
    template = template_overlay.parse((root / "template.yaml").read_text("utf-8"))
    if instances:
        overlay = template_overlay.parse(
            (root / "deploy" / "managed_instances.yaml").read_text("utf-8")
        )
        template = template_overlay.apply_overlay(template, overlay)
    parameters: dict[str, dict[str, Any]] = template["Parameters"]
    return parameters


def _merge_parameters(
    parameters: Mapping[str, str], choices: Choices, root: Path
) -> dict[str, str]:
    """Merge the files' and the choices' template parameters.

    A file may name a parameter of the other template; a choice may not.
    """
    known = template_parameters(choices.instances, root)
    other = template_parameters(not choices.instances, root)
    _refuse_unknown(set(parameters) - set(known) - set(other), known, f"{SHARED} or {LOCAL}")
    _refuse_unknown(set(choices.parameters) - set(known), known, "PARAMS")
    return {
        name: value for name, value in {**parameters, **choices.parameters}.items() if name in known
    }


def _refuse_unknown(unknown: Iterable[str], known: Iterable[str], source: str) -> None:
    if names := ", ".join(map(repr, sorted(unknown))):
        raise CommandError(
            f"{source}: there is no parameter {names}; the parameters are {', '.join(known)}"
        )


def add_choice_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of every deployment command."""
    parser.add_argument("--env", default="default", help="the section of samconfig.toml")
    parser.add_argument("--stack", help="the stack name (default: the section's)")
    parser.add_argument("--region", help="the AWS region (default: the section's)")
    parser.add_argument("--profile", help="the AWS profile (default: the section's)")
    parser.add_argument(
        "--instances", action="store_true", help="use the stack on Managed Instances"
    )


def choices_from(options: argparse.Namespace, **more: Any) -> Choices:
    """Build the choices from parsed command-line options."""
    return Choices(
        env=options.env,
        stack=options.stack,
        region=options.region,
        profile=options.profile,
        instances=options.instances,
        **more,
    )
