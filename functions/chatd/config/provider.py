"""Describe a provider by a row of fields, with the defaults of its dialect.

A row holds a provider's address, dialect, key variable and departures from the dialect. The catalog
has the rows; chatd.toml changes rows for a deployment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from chatd.config.embeddings_api import EmbeddingsApi, embeddings_of

if TYPE_CHECKING:
    from chatd.config.model_facts import ModelFacts

Endpoint = Literal["chat", "generate", "auto"]
Completions = Literal["raw", "template", "none"]
ThinkingField = Literal["reasoning_effort", "thinking", "enable_thinking"]
Refused = Literal[
    "tools",  # a forced tool becomes a format; any other use of tools is refused
    "tool_choice",  # a forced tool becomes a format
    "named_tool",  # `required` is sent, with the named function as the only tool
    "parallel_tool_calls",  # the first call of an answer is kept where the caller wants one
    "images",  # a chat with one is refused
    "tool_choice_while_thinking",  # a forced tool switches thinking off
    "json_object",  # a schema of any object is sent
    "format_beside_tools",  # the format is described in the system text
    "format_in_streams",  # the whole answer is requested, and streamed when it is there
    "stream_options",  # a stream has its tokens unasked
    "nulls",  # in a field of a turn
    "empty_content",  # of an assistant's turn: left out beside calls, or the whole turn is
    "missing_reasoning",  # of an assistant's turn, from a model that thinks: a space is sent
    "consecutive_turns",  # of one role: they are merged, and a later system turn becomes a user's
    "model_list",
]
"""The parts of a request that a provider may refuse; a comment names the replacement."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeouts:
    """Limits in seconds.

    Attributes:
        connect: To make the connection: all addresses and TLS together.
        silence: Without a byte before the first event of a stream.
        silence_with_fallback: The same, if another model can take over.
        first_event: Until the first event of a stream, whatever bytes come before it.
        gap: Between two chunks of a stream.
        total: For the whole call, from its start. None: WHOLE_SECONDS for a whole response, and
            the route's limit for a stream.

    """

    connect: float = 5.0
    silence: float = 60.0
    silence_with_fallback: float = 10.0
    first_event: float = 120.0
    gap: float = 30.0
    total: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AwsAccess:
    """How requests to a provider on AWS are authenticated: by signatures instead of a key.

    Attributes:
        service: The service in the signature.
        region: The region in the signature and for `{region}` in the base URL; None: the
            environment's.
        role_arn: A role that is assumed first, such as one of another account.
        bearer: Whether a short-term bearer token is minted instead of a signature per request.

    """

    service: str = "bedrock"
    region: str | None = None
    role_arn: str | None = None
    bearer: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Guardrail:
    """A guardrail of Amazon Bedrock.

    Attributes:
        id: The id or the ARN.
        version: The version, `DRAFT` or a number.
        region: The region, for a provider elsewhere than on Bedrock; None: the environment's.
        trace: How much of its assessment an answer has: `disabled`, `enabled`, `enabled_full`.
        stream: Whether the text of a stream waits for its check (`sync`) or not (`async`).
        input: For a provider elsewhere, the part of a request that is checked: the turns after the
            last turn of the model (`new`), or the whole conversation (`all`).
        unavailable: For a provider elsewhere, the effect of a guardrail without a verdict: the text
            is refused (`block`) or passes (`pass`).
        url: For a provider elsewhere, the URL of Bedrock's runtime.

    """

    id: str
    version: str = "DRAFT"
    region: str | None = None
    trace: Literal["disabled", "enabled", "enabled_full"] = "disabled"
    stream: Literal["sync", "async"] = "sync"
    input: Literal["new", "all"] = "new"
    unavailable: Literal["block", "pass"] = "block"
    url: str = ""

    @property
    def check_of_input(self) -> tuple[str, ...]:
        """The key of the check of a request, which rows with an equal guardrail share."""
        return self.id, self.version, self.url, self.input, self.unavailable


# API Gateway cuts a connection without a byte for 300 s; a whole response sends none until its end:
# https://docs.aws.amazon.com/apigateway/latest/developerguide/response-transfer-mode.html
WHOLE_SECONDS = 285.0

_LIMITS: Mapping[str, Timeouts] = MappingProxyType(
    {"ollama": Timeouts(silence=120.0)}  # a server may load a model first
)


def limits_of(dialect: str) -> Timeouts:
    """Return the default limits of a provider of this dialect."""
    return _LIMITS.get(dialect, Timeouts())


# Other dialects have `Authorization`.
_KEY_HEADERS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    # https://platform.claude.com/docs/en/api/overview#authentication
    {"anthropic_messages": {"anthropic_messages": "x-api-key"}}
)


def key_headers_of(dialect: str) -> Mapping[str, str]:
    """Return the default headers of the key for a provider of this dialect."""
    return _KEY_HEADERS.get(dialect, {})


@dataclass(frozen=True, slots=True, eq=False)
class Provider:
    """A provider's row.

    Attributes:
        name: The name; `<name>/` is the prefix that routes to the provider.
        dialect: The API; a key of `dialects.DIALECTS`.
        base_url: The URL without a slash at its end; up to and including `/v1` but for Ollama's
            dialect. Empty: every deployment has its own, and without one lacks the provider.
        base_url_variable: The environment variable that overrides `base_url`.
        base_path: The path at the end of every `base_url`, such as `/openai/v1`. An address of the
            deployment that has no path, or only the beginning of this one, is completed.
        key_variable: The key's name in the secret, the environment and .env; None: no key needed.
        env_file: The .env file in which the key is looked up last.
        aws: How requests are signed, for a provider on AWS; None: they are not.
        variants: The vendor's own class of a dialect, a key of `dialects.VARIANTS`, by dialect.
        model_dialects: The dialects of models that the provider serves in another dialect than
            `dialect`: a regular expression for the beginning of the model's name, in any case, and
            the dialect. The first match holds.
        universal: Whether `dialect` serves every model: a model that the provider does not serve in
            a dialect of `model_dialects` is tried in it next.
        own_dialects: Dialects in which a caller's own request is forwarded, because the provider
            serves them too and a translation would keep less.
        paths: The path after `base_url` in the URLs of a dialect, such as `/v1`; empty if absent.
        key_headers: The header that carries the key in a dialect; `Authorization` if absent.
        session_header: A header that must name the conversation; None: none.
        known_to_think: A regular expression for the beginning of the names of models that can
            think, besides those of the table of models (model_facts.py); a hint of how hard to
            think is sent to them alone.
        model_ids: The provider's ids of models, by the names that callers use instead; such an id
            may be an ARN, which callers do not see.
        suffix: An ending of a model's name that also routes to the provider.
        stripped_endings: Endings removed from a model's name before it is sent.
        endpoint: For Ollama's dialect: `/api/chat`, `/api/generate`, or `auto`, which takes
            `/api/generate` for a chat that it can express.
        completions: Whether the provider has `/completions` in OpenAI's chat dialect, or
            `/api/generate` in Ollama's: `none` if it lacks the route. `raw`: the model continues
            the prompt as it is, so that a longer prompt continues a broken answer. `template`: the
            provider may put the prompt into a chat template. In Ollama's dialect the request says.
        options: Ollama's options for single models, by a regular expression for the beginning of
            the model's name, in any case; the first match holds. A caller's own options take
            precedence. `keep_alive`, `truncate` and `shift`, which are no options, may stand here.
        keep_alive: How long Ollama keeps a model loaded, such as `10m`, in seconds as a number; -1
            for ever. None: Ollama's own 5 minutes.
        plans: Base URLs by plan, if the provider sells several.
        plan_dialects: The `model_dialects` of each plan, if they differ.
        plan: The selected plan.
        honours_format: Whether the provider enforces the requested format.
        formatless: A regular expression for the beginning of the names of models that no format is
            enforced for, although the provider enforces it for others. None: no such model.
        choiceless: A regular expression for the beginning of the names of models that refuse the
            choice of a tool; a forced tool becomes a format there. None: no such model.
        counts_tokens: Whether the provider has Anthropic's route `/messages/count_tokens`.
        prefill: Whether the provider continues an assistant turn at the end of a conversation.
        prefill_fields: Fields of such a turn that the vendor requires.
        drops: Fields of a request that the provider refuses; they are left out and named.
        model_drops: The fields that single models refuse, by a regular expression for the beginning
            of the model's name, in any case. The first match holds, and replaces the known fields
            of Claude's models in Anthropic's dialect.
        default_max_tokens: The limit that a request of Anthropic's dialect gets if the caller sends
            none: its API requires one, and every model since Claude 4 can write 32,000 tokens.
        renames: The provider's names for fields of a request, by OpenAI's names.
        max_tokens_name: The only limit that the provider takes, `max_tokens` or
            `max_completion_tokens`; None: the caller's.
        content_as_text: Whether a message's content must be a text and not a list of parts.
        tools_only_functions: Whether the provider refuses tools of other kinds than functions, in
            every dialect: custom and namespaced tools become functions, hosted tools are left out.
        takes_top_k: Whether the provider takes `top_k` in OpenAI's chat dialect, which lacks it.
        returns_reasoning: The field in which the provider takes an assistant's reasoning back,
            `reasoning_content` or `reasoning`; None: the caller's.
        developer_as_system: Whether a `developer` turn is sent as a `system` turn: chat templates
            of open models have no `developer` role.
        key_optional: Whether the provider also serves without a key.
        refuses: The parts of a request that the provider refuses beside single fields; see Refused.
        takes_only: The only fields of a request that the provider takes, by its own names; any
            other is left out and named. Empty: it takes every field.
        turn_fields: The only fields of a turn that it takes, by role; any other is left out and
            named. A role that is absent may have every field.
        max_temperature: The highest temperature; a higher one is lowered to it and named.
        thinking_fields: The fields that carry how hard to think: `reasoning_effort`, the object
            `thinking` with the type `enabled` or `disabled`, and `enable_thinking`.
        efforts: The efforts that it takes, the lowest first; any other becomes the next higher one
            of them, or the highest. Empty: every effort.
        tool_choices: Its names for `auto`, `none` and `required`, if they differ.
        tool_schema_drops: Keywords of a tool's JSON Schema that it refuses, and of the tool.
        call_id_length: The number of letters and digits that the id of a tool call must have;
            another id is replaced in the call and its result. None: any id.
        schema_models: A regular expression for the beginning of the names of models that enforce a
            JSON Schema, in any case; others get the schema in the system text, and the demand of a
            JSON object. None: every model enforces it.
        upstream_stream: Whether the provider streams also for a caller that does not. `auto`: only
            if another model can take over, since a stream distinguishes silence from slowness. A
            whole response often has more fields, and only `connect` and `total` limit it.
        service_tier: The service tier of every request, such as `flex`; None: the caller's.
        latency: The latency of every request, `standard` or `optimized`; None: the default.
        guardrail: The guardrail of every request; None: none.
        caller_metadata: Whether a request has the caller's name as metadata.
        embeddings: The provider's API for embeddings; True: the one of `dialect`, False: none.
        facts: The section of the table of models for this row's models; None: that of its name.
        models: The facts of single models in chatd.toml, by the provider's name for the model.
        timeouts: The limits.
        source: The vendor's page on its API, or on the address that a deployment needs.
        checked: The day on which the row was compared with its sources, as `2026-11-26`.
        excluded: The reason why this deployment lacks the provider, as a sentence; None: it has
            the provider.

    """

    name: str
    dialect: str
    base_url: str
    base_url_variable: str | None = None
    base_path: str = ""
    key_variable: str | None = None
    env_file: str = ".env"
    aws: AwsAccess | None = None
    variants: Mapping[str, str] = field(default_factory=dict)
    model_dialects: tuple[tuple[str, str], ...] = ()
    universal: bool = False
    own_dialects: tuple[str, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    key_headers: Mapping[str, str] = field(default_factory=dict)
    session_header: str | None = None
    known_to_think: str | None = None
    model_ids: Mapping[str, str] = field(default_factory=dict)
    suffix: str | None = None
    stripped_endings: tuple[str, ...] = ()
    endpoint: Endpoint = "chat"
    completions: Completions = "raw"
    options: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    keep_alive: int | str | None = None
    plans: Mapping[str, str] = field(default_factory=dict)
    plan_dialects: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    plan: str | None = None
    honours_format: bool = True
    formatless: str | None = None
    choiceless: str | None = None
    counts_tokens: bool = False
    prefill: bool = False
    prefill_fields: Mapping[str, Any] = field(default_factory=dict)
    drops: tuple[str, ...] = ()
    model_drops: tuple[tuple[str, tuple[str, ...]], ...] = ()
    default_max_tokens: int = 32_000
    renames: Mapping[str, str] = field(default_factory=dict)
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    content_as_text: bool = False
    tools_only_functions: bool = False
    takes_top_k: bool = False
    returns_reasoning: Literal["reasoning_content", "reasoning"] | None = None
    developer_as_system: bool = False
    key_optional: bool = False
    refuses: tuple[Refused, ...] = ()
    takes_only: tuple[str, ...] = ()
    turn_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    max_temperature: float | None = None
    thinking_fields: tuple[ThinkingField, ...] = ("reasoning_effort",)
    efforts: tuple[str, ...] = ()
    tool_choices: Mapping[str, str] = field(default_factory=dict)
    tool_schema_drops: tuple[str, ...] = ()
    call_id_length: int | None = None
    schema_models: str | None = None
    upstream_stream: bool | Literal["auto"] = "auto"
    service_tier: str | None = None
    latency: Literal["standard", "optimized"] | None = None
    guardrail: Guardrail | None = None
    caller_metadata: bool = False
    embeddings: EmbeddingsApi | bool = True
    facts: str | None = None
    models: Mapping[str, ModelFacts] = field(default_factory=dict)
    timeouts: Timeouts = Timeouts()
    source: str | None = None
    checked: str | None = None
    excluded: str | None = None

    @property
    def prefix(self) -> str:
        """The beginning of a model's name that routes to this provider."""
        return f"{self.name}/"

    @property
    def embeddings_api(self) -> EmbeddingsApi | None:
        """The provider's API for embeddings; None if it has none."""
        if isinstance(self.embeddings, EmbeddingsApi):
            return self.embeddings
        return embeddings_of(self.dialect) if self.embeddings else None

    @property
    def gateway_guardrail(self) -> Guardrail | None:
        """The guardrail that chatd applies; None on Bedrock, which applies the row's own one."""
        on_bedrock = self.aws is not None and self.aws.service == "bedrock"
        return None if on_bedrock else self.guardrail

    def url(self, dialect: str, path: str) -> str:
        """Return the URL of a path such as `/messages` in one of the provider's dialects."""
        return f"{self.base_url}{self.paths.get(dialect, '')}{path}"

    def enforces_format(self, model: str) -> bool:
        """Return whether the provider enforces a format; `model` is the provider's name for it."""
        free = self.formatless
        return self.honours_format and (free is None or re.match(free, model) is None)

    def options_of(self, model: str) -> Mapping[str, Any]:
        """Return Ollama's options for a model; `model` is the provider's name for it."""
        for pattern, options in self.options:
            if re.match(pattern, model, re.IGNORECASE):
                return options
        return {}

    def takes_tool_choice(self, model: str) -> bool:
        """Return whether a model takes the choice of a tool; `model` is the provider's name."""
        free = self.choiceless
        refused = "tools" in self.refuses or "tool_choice" in self.refuses
        return not refused and (free is None or re.match(free, model) is None)

    def can_think(self, model: str) -> bool:
        """Return whether the model is known to think; `model` is the provider's name for it."""
        own, known = self.models.get(model), self.known_to_think
        if own is not None and own.thinks is not None:
            return own.thinks
        if known is not None and re.match(known, model):
            return True
        facts = self.facts_of(model)
        return facts is not None and facts.thinks is True

    def refuses_sampling(self, model: str) -> bool:
        """Return whether the model is known to refuse `temperature`, `top_p` and `top_k`."""
        facts = self.facts_of(model)
        return facts is not None and facts.sampling is False

    def max_output(self, model: str) -> int | None:
        """Return the most tokens of an answer of the model; None if unknown."""
        facts = self.facts_of(model)
        return None if facts is None else facts.max_output

    def takes_prefill(self, model: str) -> bool:
        """Return whether the model continues an assistant turn at the end of a conversation.

        The row knows its API, and the table its models. Anthropic's API has prefills; newer models
        refuse them.
        """
        own = self.models.get(model)
        if own is not None and own.prefill is not None:
            return own.prefill
        if not self.prefill and self.dialect != "anthropic_messages":
            return False
        facts = self.facts_of(model)
        if facts is None or facts.prefill is None:
            return self.prefill
        return facts.prefill

    def facts_of(self, model: str) -> ModelFacts | None:
        """Return the facts of a model, by the provider's name for the model."""
        # Read when a request first needs it: 2 ms (docs/decisions/0053-model-facts.md).
        from chatd.config.model_facts import facts_of  # noqa: PLC0415  # see above

        return facts_of(self, model)

    def enforces_schema(self, model: str) -> bool:
        """Return whether the model enforces a JSON Schema; `model` is the provider's name."""
        models = self.schema_models
        return models is None or re.match(models, model, re.IGNORECASE) is not None
