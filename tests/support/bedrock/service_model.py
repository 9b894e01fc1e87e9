"""Check JSON against AWS's own model of bedrock-runtime, with botocore.

botocore's validator checks types and required members; enumerations and patterns, which it leaves
to the service, are checked here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.validate import ParamValidator


@cache
def operation(name: str) -> OperationModel:
    """Return an operation, such as `Converse`."""
    model = Loader().load_service_model("bedrock-runtime", "service-2")
    return ServiceModel(model, "bedrock-runtime").operation_model(name)


def problems(name: str, body: Mapping[str, Any], model: str = "model-1") -> list[str]:
    """List the faults of a request by the checks of AWS's client and of the service's model.

    Args:
        name: The operation.
        body: The request's JSON.
        model: The model's id, which is a part of the path.

    """
    shape = operation(name).input_shape
    assert shape is not None
    params = {"modelId": model, **body}
    report = ParamValidator().validate(params, shape)
    if report.has_errors():
        return [report.generate_report()]
    return list(_limits(shape, params, ""))


def parsed(name: str, body: bytes) -> Any:
    """Read a whole response with botocore's parser."""
    response = {"headers": {}, "body": body, "status_code": 200}
    shape = operation(name).output_shape
    assert shape is not None
    return create_parser("rest-json").parse(response, shape)


def _limits(shape: Any, value: Any, path: str) -> Iterator[str]:
    """List the values outside the enumerations, patterns and limits of their shapes."""
    if getattr(shape, "is_document_type", False):
        return
    match shape.type_name:
        case "structure":
            if shape.is_tagged_union and len(value) != 1:
                yield f"{path}: not one member but {sorted(value)}"
            for name, inner in value.items():
                yield from _limits(shape.members[name], inner, f"{path}.{name}")
        case "list" | "map":
            yield from _size(shape, len(value), path)
            yield from _limits_within(shape, value, path)
        case "string":
            yield from _text(shape, value, path)
        case "integer" | "float" | "double" | "long":
            yield from _size(shape, value, path)


def _limits_within(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "list":
        for number, inner in enumerate(value):
            yield from _limits(shape.member, inner, f"{path}.{number}")
        return
    for name, inner in value.items():
        yield from _limits(shape.key, name, f"{path}.{name}")
        yield from _limits(shape.value, inner, f"{path}.{name}")


def _text(shape: Any, value: str, path: str) -> Iterator[str]:
    yield from _size(shape, len(value), path)
    if shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is none of {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern is not None and re.fullmatch(pattern, value) is None:
        yield f"{path}: {value!r} is unlike {pattern}"


def _size(shape: Any, size: float, path: str) -> Iterator[str]:
    limits = shape.metadata
    if size < limits.get("min", size) or size > limits.get("max", size):
        yield f"{path}: {size} is not between {limits.get('min')} and {limits.get('max')}"
