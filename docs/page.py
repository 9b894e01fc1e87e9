"""Write the page of GET /docs: the OpenAPI description in one HTML file that works offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace; background: #8881; border-radius: 4px }
pre { padding: .7rem; overflow-x: auto } code { padding: .1rem .3rem }
table { border-collapse: collapse; width: 100%; margin: .5rem 0 1.5rem }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #8884 }
td { vertical-align: top }
h2 { margin-top: 2.5rem } h3 { margin-top: 2rem } .verb { font-weight: 700; margin-right: .5rem }
:root { color-scheme: light dark }
"""


def page(description: Mapping[str, Any]) -> str:
    """Write the page as HTML without scripts."""
    info = description["info"]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>",
            f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>",
            f"<p>{escape(info['summary'])} Programs read <a href='openapi.json'>openapi.json</a>.",
            "A caller sends its key as <code>Authorization: Bearer</code> or"
            " <code>x-api-key</code>.</p>",
            '<pre>curl $URL/v1/chat/completions -H "Authorization: Bearer $CHATD_KEY" \\\n'
            '  -H \'content-type: application/json\' -d \'{"model": "llama3.2",\n'
            '  "messages": [{"role": "user", "content": "Hello"}]}\'</pre>',
            *_operations(description["paths"]),
            "<h2>Schemas</h2>",
            *_shapes(description["components"]["schemas"]),
            "</html>",
            "",
        ]
    )


def _operations(paths: Mapping[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for verb, operation in methods.items():
            yield f"<h2><span class=verb>{verb.upper()}</span><code>{escape(path)}</code></h2>"
            yield f"<p>{escape(operation['summary'])}.</p>"
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "header":
                    yield f"<p><code>{parameter['name']}</code>: {parameter['description']}</p>"
            if "requestBody" in operation:
                yield f"<p>Takes {_content(operation['requestBody'])}.</p>"
            yield "<table><tr><th>Status<th>Meaning<th>Body</tr>"
            for status, response in operation["responses"].items():
                words = _words(response["description"])
                yield f"<tr><td>{status}<td>{words}<td>{_content(response)}</tr>"
            yield "</table>"


def _content(holder: Mapping[str, Any]) -> str:
    return " or ".join(
        _kind(media["schema"]) if kind == "application/json" else f"<code>{kind}</code>"
        for kind, media in holder["content"].items()
    )


def _shapes(schemas: Mapping[str, Any]) -> Iterator[str]:
    for name, schema in sorted(schemas.items()):
        yield f"<h3 id='{name}'>{name}</h3>"
        yield f"<p>{_words(' '.join(schema.get('description', '').split()))}</p>"
        yield "<table><tr><th>Field<th>Value</tr>"
        for field, kind in schema.get("properties", {}).items():
            needed = " (required)" if field in schema.get("required", []) else ""
            yield f"<tr><td><code>{escape(field)}</code>{needed}<td>{_kind(kind)}</tr>"
        yield "</table>"


def _words(text: str) -> str:
    """Escape a sentence and mark text in backticks as code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(text))


def _kind(schema: Mapping[str, Any]) -> str:
    """Describe the values that a schema admits."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{name}'>{name}</a>"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_kind(kind) for kind in schema[key]))
    if "const" in schema:
        return f"<code>{escape(repr(schema['const']))}</code>"
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return escape(str(schema.get("type", "anything")))
