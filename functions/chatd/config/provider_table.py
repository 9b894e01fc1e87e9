"""The schema of a provider's table in chatd.toml, `[providers.<name>]`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, PlainValidator

from chatd.config.addresses import checked_url
from chatd.config.aws_region import REGION
from chatd.config.provider import Completions, Endpoint, Refused, ThinkingField
from chatd.config.tables import Name, Table, TimeoutsTable
from chatd.safe_json.item_limits import MAX_EMBEDDINGS, MAX_STOPS, items

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")]
Keyword = Annotated[str, Field(pattern=r"^[$]?[A-Za-z_][A-Za-z0-9_]{0,63}$")]
FieldName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]
ModelId = Annotated[str, Field(min_length=1, max_length=2048)]
Word = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Region = Annotated[str, Field(pattern=REGION)]
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
RoleArn = Annotated[
    str, Field(pattern=r"^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}$")
]
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ApplyGuardrail.html
GuardrailId = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]{1,64}"
        r"|arn:aws[a-z-]*:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]{1,64})$"
    ),
]
MAX_FIELDS = 100
MAX_MODEL_TABLES = 1_000
MAX_PATTERN = 256  # characters
_VARIABLE_NAME = re.compile(r"[A-Z_][A-Z0-9_]{0,63}")
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,64}){0,8}")


def checked_variable(value: str) -> str:
    """Check the name of an environment variable.

    Raises:
        ValueError: Without the value: it may be a key, and the message reaches logs and callers.

    """
    if not _VARIABLE_NAME.fullmatch(value):
        raise ValueError(
            "must be a variable's name such as MY_API_KEY: A-Z, 0-9 and _, 64 at most;"
            " the key itself belongs into the secret or the environment"
        )
    return value


VariableName = Annotated[str, AfterValidator(checked_variable)]


def checked_pattern(value: str) -> str:
    """Check a regular expression for the names of models.

    Raises:
        ValueError: With the fault, and without the value.

    """
    if not 0 < len(value) <= MAX_PATTERN:
        raise ValueError(f"must be a regular expression of 1 to {MAX_PATTERN} characters")
    try:
        re.compile(value)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    return value


def _with_patterns(value: dict[str, Any]) -> dict[str, Any]:
    """Check that each key is a regular expression for the names of models."""
    for number, pattern in enumerate(value, 1):
        try:
            checked_pattern(pattern)
        except ValueError as error:
            raise ValueError(f"pattern {number} {error}") from None
    return value


def _checked_path(value: str) -> str:
    if not _PATH.fullmatch(value):
        raise ValueError("must be a path such as /v1, or empty")
    return value


# A duration as Go writes it, or seconds; a negative one is for ever:
# https://github.com/ollama/ollama/blob/main/api/types.go (Duration)
_DURATION = re.compile(r"-?([0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)){1,4}")


def _checked_keep_alive(value: Any) -> int | str:
    if type(value) is int or (isinstance(value, str) and _DURATION.fullmatch(value)):
        return value
    raise ValueError("must be seconds, or a duration such as 10m or 1h30m")


KeepAlive = Annotated[int | str, PlainValidator(_checked_keep_alive)]
_OptionText = Annotated[str, Field(max_length=256)]
OptionValue = (
    bool
    | int
    | Annotated[float, Field(allow_inf_nan=False)]
    | _OptionText
    | Annotated[list[_OptionText], items(MAX_STOPS)]
)


def _checked_options(value: dict[str, Any]) -> dict[str, Any]:
    """Check the options whose wrong values Ollama would ignore."""
    if len(value) > MAX_FIELDS:
        raise ValueError(f"must have at most {MAX_FIELDS} options")
    context = value.get("num_ctx", 1)
    if type(context) is not int or context < 1:
        raise ValueError("has a num_ctx that is not a number of tokens from 1 on")
    for name in ("truncate", "shift"):
        if type(value.get(name, True)) is not bool:
            raise ValueError(f"has a {name} that is neither true nor false")
    if "keep_alive" in value:
        _checked_keep_alive(value["keep_alive"])
    return value


class AwsTable(Table):
    """`aws = { region = "eu-central-1", role_arn = "…" }`: how requests to AWS are signed."""

    service: Word | None = None
    region: Region | None = None
    role_arn: RoleArn | None = None
    bearer: bool | None = None


EmbeddingDialect = Literal[
    "openai", "ollama", "bedrock_titan", "bedrock_titan_v1", "bedrock_cohere", "bedrock_nova"
]


class EmbeddingsTable(Table):
    """`embeddings = { batch = 100, tokens = true }`: how the provider makes embeddings."""

    dialect: EmbeddingDialect | None = None
    batch: Annotated[int, Field(ge=1, le=MAX_EMBEDDINGS)] | None = None
    tokens: bool | None = None
    base64: bool | None = None
    drops: Annotated[list[FieldName], items(MAX_FIELDS)] | None = None
    renames: dict[FieldName, FieldName] | None = None
    fields: dict[FieldName, Any] | None = None


class GuardrailTable(Table):
    """`guardrail = { id = "…", version = "1" }`: a guardrail of Amazon Bedrock."""

    id: GuardrailId
    version: Annotated[str, Field(pattern=r"^(DRAFT|[1-9][0-9]{0,7})$")] = "DRAFT"
    region: Region | None = None
    trace: Literal["disabled", "enabled", "enabled_full"] = "disabled"
    stream: Literal["sync", "async"] = "sync"
    input: Literal["new", "all"] = "new"
    unavailable: Literal["block", "pass"] = "block"


class ModelTable(Table):
    """`[providers.<name>.models."<model>"]`: the facts of a model."""

    context: Annotated[int, Field(gt=0)] | None = None
    max_output: Annotated[int, Field(gt=0)] | None = None
    tools: bool | None = None
    images: bool | None = None
    pdfs: bool | None = None
    thinks: bool | None = None
    adaptive: bool | None = None
    effort: bool | None = None
    sampling: bool | None = None
    prefill: bool | None = None
    system_turns: bool | None = None


class ProviderTable(Table):
    """`[providers.<name>]`: changes to a row of the catalog, or a whole new row."""

    enabled: bool | None = None
    like: Name | None = None
    dialect: Name | None = None
    model_dialects: (
        Annotated[dict[str, Name], Field(max_length=MAX_FIELDS), AfterValidator(_with_patterns)]
        | None
    ) = None
    own_dialects: Annotated[list[Name], items(MAX_FIELDS)] | None = None
    base_url: Annotated[str, AfterValidator(checked_url)] | None = None
    paths: dict[Name, Annotated[str, AfterValidator(_checked_path)]] | None = None
    model_ids: Annotated[dict[Name, ModelId], Field(max_length=MAX_FIELDS)] | None = None
    key_headers: dict[Name, HeaderName] | None = None
    session_header: HeaderName | None = None
    known_to_think: Annotated[str, AfterValidator(checked_pattern)] | None = None
    key_variable: VariableName | None = None
    env_file: Annotated[str, Field(min_length=1)] | None = None
    aws: AwsTable | None = None
    endpoint: Endpoint | None = None
    completions: Completions | None = None
    options: (
        Annotated[
            dict[str, Annotated[dict[FieldName, OptionValue], AfterValidator(_checked_options)]],
            Field(max_length=MAX_FIELDS),
            AfterValidator(_with_patterns),
        ]
        | None
    ) = None
    keep_alive: KeepAlive | None = None
    plan: str | None = None
    honours_format: bool | None = None
    formatless: Annotated[str, AfterValidator(checked_pattern)] | None = None
    choiceless: Annotated[str, AfterValidator(checked_pattern)] | None = None
    drops: Annotated[list[FieldName], items(MAX_FIELDS)] | None = None
    model_drops: (
        Annotated[
            dict[str, Annotated[list[FieldName], items(MAX_FIELDS)]],
            Field(max_length=MAX_FIELDS),
            AfterValidator(_with_patterns),
        ]
        | None
    ) = None
    default_max_tokens: Annotated[int, Field(gt=0)] | None = None
    renames: dict[FieldName, FieldName] | None = None
    max_tokens_name: Literal["max_tokens", "max_completion_tokens"] | None = None
    content_as_text: bool | None = None
    tools_only_functions: bool | None = None
    takes_top_k: bool | None = None
    returns_reasoning: Literal["reasoning_content", "reasoning"] | None = None
    developer_as_system: bool | None = None
    counts_tokens: bool | None = None
    prefill: bool | None = None
    prefill_fields: dict[str, Any] | None = None
    models: Annotated[dict[Name, ModelTable], Field(max_length=MAX_MODEL_TABLES)] | None = None
    key_optional: bool | None = None
    refuses: Annotated[list[Refused], items(MAX_FIELDS)] | None = None
    takes_only: Annotated[list[FieldName], items(MAX_FIELDS)] | None = None
    turn_fields: dict[FieldName, Annotated[list[FieldName], items(MAX_FIELDS)]] | None = None
    max_temperature: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    thinking_fields: Annotated[list[ThinkingField], items(MAX_FIELDS)] | None = None
    efforts: Annotated[list[Word], items(MAX_FIELDS)] | None = None
    tool_choices: dict[FieldName, FieldName] | None = None
    tool_schema_drops: Annotated[list[Keyword], items(MAX_FIELDS)] | None = None
    call_id_length: Annotated[int, Field(ge=6, le=64)] | None = None
    schema_models: Annotated[str, AfterValidator(checked_pattern)] | None = None
    upstream_stream: bool | Literal["auto"] | None = None
    service_tier: Word | None = None
    latency: Literal["standard", "optimized"] | None = None
    guardrail: GuardrailTable | None = None
    caller_metadata: bool | None = None
    embeddings: bool | EmbeddingsTable | None = None
    timeouts: TimeoutsTable = TimeoutsTable()
