"""Run the real SAM transform on a template, in the SAM CLI's own environment.

tests/stack/conftest.py runs this script in .venv-sam, which has samtranslator. Standard input is a
JSON object of parameters, and standard output is the CloudFormation template.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse


def transformed(template: dict[str, Any], parameters: dict[str, Any]) -> dict[str, Any]:
    """Translate a template as a deployment does, with code and layer in a fictitious bucket."""
    template["Globals"]["Function"]["CodeUri"] = "s3://bucket/functions"
    for resource in template["Resources"].values():
        if "ContentUri" in resource.get("Properties", {}):
            resource["Properties"]["ContentUri"] = "s3://bucket/layer"
    translated: dict[str, Any] = Translator({}, Parser()).translate(template, parameters)
    return translated


if __name__ == "__main__":
    source = yaml_parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
    json.dump(transformed(source, json.load(sys.stdin)), sys.stdout)
