"""Read and write the SAM CLI's configuration files: samconfig.toml and samconfig.local.toml."""

from __future__ import annotations

import json
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deploy.errors import CommandError

SHARED = "samconfig.toml"
LOCAL = "samconfig.local.toml"


def read_file(path: Path) -> dict[str, Any]:
    """Parse a configuration file; a missing file is empty.

    Raises:
        CommandError: If the file is not TOML, or cannot be read.

    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # includes TOMLDecodeError and UnicodeDecodeError
        raise CommandError(f"{path.name} cannot be read: {error}") from None


def parse_overrides(value: Any) -> dict[str, str]:
    """Parse `parameter_overrides` in every form of the SAM CLI.

    Args:
        value: A mapping, a list of `Name=value`, or one string of them.

    Raises:
        CommandError: If a part is not `Name=value`.

    """
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return {str(name): str(setting) for name, setting in value.items()}
    try:
        texts = [value] if isinstance(value, str) else list(value)
        parts = [part for text in texts for part in shlex.split(str(text))]
    except (TypeError, ValueError):
        raise CommandError(f"the parameters {value!r} are not Name=value …") from None
    return dict(_parse_override(part) for part in parts)


def _parse_override(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if name == "ParameterKey":  # ParameterKey=Name,ParameterValue=value
        name, _, value = value.partition(",ParameterValue=")
    if not equals or not name:
        raise CommandError(f"the parameter {part!r} is not Name=value")
    return name, value


def render_toml(tables: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Render `[env.command.parameters]` tables of strings, numbers, booleans and lists."""
    lines = ["version = 0.1"]
    for env, commands in tables.items():
        for command, settings in commands.items():
            if settings:
                lines += ["", f"[{env}.{command}.parameters]"]
                # JSON strings, lists and booleans are valid TOML.
                lines += [
                    f"{name} = {json.dumps(value, ensure_ascii=False)}"
                    for name, value in settings.items()
                ]
    return "\n".join([*lines, ""])


def section_commands(file: Mapping[str, Any], env: str) -> dict[str, dict[str, Any]]:
    """Copy the settings of one section, by command."""
    return {
        command: dict(tables.get("parameters", {})) for command, tables in file.get(env, {}).items()
    }


def section_overrides(section: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Merge the template parameters of a section's commands."""
    return {
        name: value
        for command in ("global", "build", "deploy")
        for name, value in parse_overrides(
            section.get(command, {}).get("parameter_overrides")
        ).items()
    }


def pop_common(section: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Remove and return a section's settings for all commands."""
    pop_settings(section, "parameter_overrides")
    common = section.pop("global", {})
    return {**common, **pop_settings(section, "stack_name", "region", "profile")}


def pop_settings(commands: Mapping[str, dict[str, Any]], *names: str) -> dict[str, Any]:
    """Remove named settings from every command, and return their values."""
    removed = {}
    for settings in commands.values():
        for name in names:
            if name in settings:
                removed[name] = settings.pop(name)
    return removed
