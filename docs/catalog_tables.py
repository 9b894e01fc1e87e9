"""Write the parts that follow from the catalog: providers, variables and default limits."""

from __future__ import annotations

from dataclasses import asdict

from chatd.config.catalog import CATALOG
from chatd.config.provider import Provider, Timeouts

# The stack's parameter for a variable of the catalog; any other is empty unless a caller of
# `sam local` sets it.
_PARAMETERS = {"OLLAMA_URL": "!Ref OllamaUrl"}
_EMPTY = '""'
# The providers that the front page names.
_NAMED = ("ollama", "openrouter", "openai", "anthropic", "bedrock", "gemini", "mistral", "groq")


def providers() -> str:
    """Tabulate the providers, one line for each row of the catalog."""
    lines = [
        "| Provider | Model name | Dialect | Variable of the key | Address, and its variable |",
        "|---|---|---|---|---|",
    ]
    lines += [_provider(row) for row in CATALOG.values()]
    return "\n".join(lines)


def provider_names() -> str:
    """List the prefixes of some providers in one sentence, with the number of the others."""
    named = ", ".join(f"`{CATALOG[name].prefix}…`" for name in _NAMED)
    more = f"[{len(CATALOG) - len(_NAMED)} more](docs/providers.md)"
    return f"{named} and {more}. Any other name goes to the default provider."


def provider_variables() -> str:
    """Write the lines of template.yaml that declare the catalog's environment variables."""
    return "\n".join(
        f"{name}: {_PARAMETERS.get(name, _EMPTY)}"
        for name in (*variables("base_url_variable"), *variables("key_variable"))
    )


def provider_environment() -> str:
    """Tabulate the catalog's environment variables."""
    addresses, keys = (
        ", ".join(f"`{name}`" for name in variables(field))
        for field in ("base_url_variable", "key_variable")
    )
    return "\n".join(
        [
            "| Variable | Meaning |",
            "|---|---|",
            f"| {addresses} | a provider's URL; up to and including `/v1`, but not for Ollama |",
            f"| {keys} | a provider's key, if the secret has none |",
        ]
    )


def variables(field: str) -> list[str]:
    """List the environment variables in one field of the catalog's rows, each once."""
    return list(
        dict.fromkeys(getattr(row, field) for row in CATALOG.values() if getattr(row, field))
    )


def timeouts() -> str:
    """Write the default time limits."""
    known = {name: value for name, value in asdict(Timeouts()).items() if value is not None}
    limits = ", ".join(f"{name} = {value:g}" for name, value in known.items())
    return f"`timeouts = {{ {limits} }}`"


def _provider(row: Provider) -> str:
    names = f"`{row.prefix}<model>`" + (f", `<model>{row.suffix}`" if row.suffix else "")
    key = f"`{row.key_variable}`" if row.key_variable else "AWS's" if row.aws else "none"
    key += ", optional" if row.key_optional else ""
    place = f"{row.base_url or 'your own'}, `{row.base_url_variable}`"
    return f"| {row.name} | {names} | {row.dialect} | {key} | {place} |"
