"""Compose the banner: URL, routes, upstream, registered providers, an example and coding agents."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence

from local.options import Options
from local.routes import Route
from local.upstream_detection import Upstream

# The shell inserts the caller key, so that the banner prints no key.
_KEY = "${CHATD_CALLER_KEYS%%,*}"


def banner(
    url: str,
    *,
    options: Options,
    routes: Sequence[Route],
    upstream: Upstream,
    providers: Sequence[str] | None,
) -> str:
    """Return the text of the banner.

    Args:
        url: The gateway's URL on this machine.
        options: The options of the command.
        routes: The routes that are served.
        upstream: The default provider.
        providers: The names of the registered providers; None if the list is not available.

    """
    served = [
        f"{route.methods[0] if len(route.methods) == 1 else 'ANY':7} {route.path}"
        for route in routes
        if route.methods != ("OPTIONS",)
    ]
    lines = [f"chatd serves {url} (Ctrl-C ends it)", *(f"  {line}" for line in served), ""]
    lines += _upstream_lines(upstream)
    if providers is not None:
        lines.append(f"Registered providers: {', '.join(providers) or 'none'}.")
    if options.caller_keys:
        lines.append("Callers need a key: CHATD_CALLER_KEYS is set.")
    example = _example_command(url, options, routes, upstream)
    agents = _agent_lines(url, options, routes, upstream)
    return "\n".join([*lines, "", "Try it:", f"  {example}", *agents])


def _upstream_lines(upstream: Upstream) -> list[str]:
    match upstream.kind:
        case "ollama" if upstream.models:
            return [f"Models without a prefix go to Ollama at {upstream.url}."]
        case "ollama":
            return [
                f"Models without a prefix go to Ollama at {upstream.url}, which has no model yet:",
                "ollama pull llama3.2",
            ]
        case "unreachable":
            return [
                f"Models without a prefix go to OLLAMA_URL, {upstream.url},",
                "where NOTHING ANSWERS yet: chats fail until Ollama runs there.",
            ]
        case "demo":
            return [
                "DEMO: no Ollama answers at http://localhost:11434, so a demo upstream answers.",
                "It runs no model, and each answer states this. For real answers start Ollama",
                "(https://ollama.com) and run this again, or name a provider, as in openrouter/…",
                f"The demo, at {upstream.url}, serves {', '.join(upstream.models)}.",
            ]
        case _:
            return [f"Models without a prefix go to {upstream.provider} at {upstream.url}."]


def _agent_lines(
    url: str, options: Options, routes: Sequence[Route], upstream: Upstream
) -> list[str]:
    """Return the commands that start Claude Code and Codex with this gateway: docs/agents.md."""
    paths = {route.path for route in routes}
    key = _KEY if options.caller_keys else "no-key"
    model = shlex.quote(upstream.models[0]) if upstream.models else "MODEL"
    lines = []
    if "/v1/messages" in paths:
        lines += [
            "Claude Code:",
            f'  export ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN="{key}"'
            f" ANTHROPIC_SMALL_FAST_MODEL={model}",
            f"  claude --model {model}",
        ]
    if "/v1/responses" in paths:
        provider = f'name="chatd",base_url="{url}/v1",wire_api="responses",env_key="CHATD_KEY"'
        lines += [
            "Codex:",
            f'  export CHATD_KEY="{key}"',
            f"  codex -c model_provider=chatd -c 'model_providers.chatd={{{provider}}}' -m {model}",
        ]
    return lines


def _example_command(
    url: str, options: Options, routes: Sequence[Route], upstream: Upstream
) -> str:
    """Return a curl command that works unchanged in a shell with the same environment."""
    key = f' -H "x-api-key: {_KEY}"' if options.caller_keys else ""
    if upstream.models and any(route.path == "/v1/chat" for route in routes):
        body = {
            "model": upstream.models[0],
            "messages": [{"role": "user", "content": "Why is the sky blue?"}],
        }
        data = shlex.quote(json.dumps(body))
        return f"curl {url}/v1/chat{key} -H 'content-type: application/json' -d {data}"
    plain = [route.path for route in routes if "GET" in route.methods and "{" not in route.path]
    return f"curl {url}{plain[-1] if plain else '/'}{key}"
