"""Write the merged configuration for the SAM CLI to .aws-sam/samconfig.toml."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import configuration, guided_setup
from deploy.errors import CommandError
from deploy.samconfig import parse_overrides


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the SAM CLI's configuration file; return 1 if the configuration is wrong."""
    options = _parser().parse_args(arguments)
    try:
        # `make` passes PARAMS in the environment, which needs no quoting.
        parameters = parse_overrides(os.environ.get("PARAMS", ""))
        if options.architecture:
            parameters["Architecture"] = options.architecture
        choices = configuration.choices_from(options, parameters=parameters, yes=options.yes)
        if options.guided:
            choices = guided_setup.ask_and_save(choices)
        deployment = configuration.load(choices)
        if options.confirms:
            _check_terminal(deployment)
    except CommandError as error:
        sys.stderr.write(f"chatd: {error}\n")
        return 1
    options.file.parent.mkdir(parents=True, exist_ok=True)
    options.file.write_text(deployment.samconfig(), "utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    configuration.add_choice_options(parser)
    parser.add_argument("--architecture", help="override the template parameter Architecture")
    parser.add_argument("--yes", action="store_true", help="deploy without confirmation")
    parser.add_argument(
        "--confirms", action="store_true", help="fail if a confirmation needs a missing terminal"
    )
    parser.add_argument("--guided", action="store_true", help="ask for every setting first")
    parser.add_argument("file", type=Path, help="the file to write")
    return parser


def _check_terminal(deployment: configuration.Deployment) -> None:
    """Refuse a deployment with confirmation if there is no terminal."""
    confirm = deployment.commands["deploy"].get("confirm_changeset", False)
    if confirm and not sys.stdin.isatty():
        raise CommandError(
            "this deployment needs confirmation on a terminal, and there is none; YES=1 deploys"
            " without confirmation"
        )


if __name__ == "__main__":
    sys.exit(main())
