"""Routes are read from template.yaml; an invalid event is an error of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from local.routes import Function, Route, read
from local.template import TemplateError
from tests.local.conftest import ROOT

_FUNCTION = """\
Globals:
  Function: {Timeout: 7, MemorySize: 512, Runtime: python3.13}
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties:
      Handler: chat.handler
      Events:
        Post: {Type: Api, Properties: {Path: /chat, Method: post}}
"""


def _written(folder: Path, text: str) -> Path:
    path = folder / "template.yaml"
    path.write_text(text)
    return path


def test_an_api_event_is_a_route_with_the_globals(tmp_path: Path) -> None:
    assert read(_written(tmp_path, _FUNCTION)) == [
        Route("/chat", ("POST",), Function("Chat", "chat.handler", 7, 512))
    ]


def test_a_functions_properties_override_the_globals(tmp_path: Path) -> None:
    text = _FUNCTION.replace("Handler: chat.handler", "Handler: chat.handler\n      Timeout: 9.5")

    assert read(_written(tmp_path, text))[0].function.timeout == 9.5


def test_timeout_and_memory_default_to_lambdas_defaults(tmp_path: Path) -> None:
    text = _FUNCTION.replace("Timeout: 7, MemorySize: 512, ", "")
    function = read(_written(tmp_path, text))[0].function

    assert (function.timeout, function.memory) == (3, 128)


def test_a_parameter_is_replaced_by_its_default(tmp_path: Path) -> None:
    text = _FUNCTION.replace("MemorySize: 512", "MemorySize: !Ref Memory")
    with_parameter = f"Parameters:\n  Memory: {{Type: Number, Default: 256}}\n{text}"

    assert read(_written(tmp_path, with_parameter))[0].function.memory == 256
    with pytest.raises(TemplateError, match="MemorySize: must be a literal number, not !Ref"):
        read(_written(tmp_path, text))


def test_the_most_specific_route_comes_first() -> None:
    routes = read(ROOT / "tests/local/template.yaml")
    matching = [route.path for route in routes if route.parameters("/things/known") is not None]

    assert matching == ["/things/known", "/things/{id}"]


@pytest.mark.parametrize(
    ("path", "sent", "parameters"),
    [
        ("/a", "/a", {}),
        ("/a", "/a/", None),
        ("/a.b", "/axb", None),
        ("/{id}", "/", None),
        ("/{id}", "/a/b", None),
        ("/{id+}", "/a/b", {"id": "a/b"}),
        ("/{id+}", "/openrouter%2Fopenai/gpt-5", {"id": "openrouter%2Fopenai/gpt-5"}),
        ("/x/{id}/y", "/x/1/y", {"id": "1"}),
    ],
)
def test_a_path_matches_as_in_api_gateway(
    path: str, sent: str, parameters: dict[str, str] | None
) -> None:
    route = Route(path, ("GET",), Function("F", "f.handler", 3, 128))

    assert route.parameters(sent) == parameters


def test_a_route_without_an_authorizer_is_public(tmp_path: Path) -> None:
    text = _FUNCTION.replace("Method: post", "Method: post, Auth: {Authorizer: NONE}")

    assert read(_written(tmp_path, text))[0].public


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "Path: /chat",
            'Path: !Sub "/${Stage}"',
            "Chat.Properties.Events.Post.Properties.Path: must be a literal text, not !Sub",
        ),
        ("Path: /chat", "Path: {Ref: Where}", "Path: must be a literal text, not Ref"),
        ("Path: /chat, ", "", "Path: must be a literal text, not nothing"),
        ("Method: post", "Method: !Ref How", "Method: must be a literal text, not !Ref"),
        ("Method: post", "Method: fetch", "Method: must be an HTTP method or any, not 'fetch'"),
        (
            "Handler: chat.handler",
            "Handler: !If [A, b.c, d.e]",
            "Resources.Chat.Properties.Handler: must be a literal text, not !If",
        ),
        ("Handler: chat.handler", "Runtime: x", "Handler: must be a literal text, not nothing"),
        ("Timeout: 7", "Timeout: !Ref Seconds", "Timeout: must be a literal number, not !Ref"),
        ("Timeout: 7", "Timeout: yes", "Timeout: must be a literal number, not 'True'"),
        ("Type: Api,", "Type: HttpApi,", "must be Api where it is HTTP"),
        ("Type: Api,", "Type: !Ref Kind,", "Type: must be a literal text, not !Ref"),
        (
            "{Type: Api, Properties: {Path: /chat, Method: post}}",
            "!Ref Event",
            "Post: must be a mapping, not !Ref",
        ),
        (
            "    Type: AWS::S",
            "    Condition: A\n    Type: AWS::S",
            "Chat.Condition: must be absent where there is an Api event, not 'A'",
        ),
        (
            "Type: AWS::Serverless::Function",
            "Type: AWS::Lambda::Function",
            "no AWS::Serverless::Function has an Api event",
        ),
        (
            "Resources:\n",
            "Resources:\n  Fn::ForEach::All: [A, [B], {}]\n",
            "Fn::ForEach::All: must be a mapping",
        ),
        ("Globals:\n  Function: {", "Globals:\n  Function: [", "is not YAML"),
    ],
)
def test_an_invalid_template_is_one_line_with_the_place(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in _FUNCTION
    path = _written(tmp_path, _FUNCTION.replace(old, new))

    with pytest.raises(TemplateError) as caught:
        read(path)

    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_route_of_two_functions_is_an_error(tmp_path: Path) -> None:
    twin = _FUNCTION.split("Resources:\n")[1].replace("Chat:", "Twin:")

    with pytest.raises(TemplateError, match=r"Resources\.Twin: POST /chat is Chat's already"):
        read(_written(tmp_path, _FUNCTION + twin))


def test_a_missing_template_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="cannot be read: No such file"):
        read(tmp_path / "template.yaml")


def test_the_stacks_template_has_the_routes_of_both_functions() -> None:
    routes = {
        (method, route.path): route
        for route in read(ROOT / "template.yaml")
        for method in route.methods
    }

    assert routes["POST", "/v1/chat"].function.handler == "chat.app.lambda_handler"
    assert routes["GET", "/v1/chat/providers"].function.handler == "providers.app.lambda_handler"
    assert routes["POST", "/v1/chat/completions"].function.handler == "chat.app.lambda_handler"
    assert routes["GET", "/v1/models/{id+}"].function.handler == "providers.app.lambda_handler"
    assert {
        path for (method, path), route in routes.items() if route.public and method == "GET"
    } == {*("/health", "/openapi.json", "/docs")}
