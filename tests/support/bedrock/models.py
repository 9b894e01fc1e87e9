"""The models of the fake: their ids, their routes, and which need an inference profile.

The routes are those of October 2026, from `supported_endpoints` in
https://github.com/BerriAI/litellm/blob/main/model_prices_and_context_window.json and
https://docs.aws.amazon.com/bedrock/latest/userguide/models-endpoint-availability.html.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from tests.support.bedrock.errors import BedrockError, invalid

_PREFIX = re.compile(r"(us-gov|us|eu|apac|au|jp|global)\.")
APPLICATION_PROFILE = (
    "arn:aws:bedrock:us-east-1:111122223333:application-inference-profile/a1b2c3d4e5f6"
)
# The model behind each application profile.
_PROFILES: Mapping[str, str] = {
    APPLICATION_PROFILE: "anthropic.claude-sonnet-4-5-20250929-v1:0",
    APPLICATION_PROFILE.replace("a1b2c3d4e5f6", "n0v4n0v4n0v4"): "amazon.nova-pro-v1:0",
}


@dataclass(frozen=True, slots=True)
class Model:
    """A model.

    Attributes:
        id: Its id without a prefix of regions.
        routes: `messages`, `chat`, `responses`, `converse`, `invoke`, `count`.
        on_demand: Whether it answers by its own id; otherwise only through a profile.
        name: Its name for a person.

    """

    id: str
    routes: frozenset[str]
    on_demand: bool
    name: str

    @property
    def vendor(self) -> str:
        """The first part of the id."""
        return self.id.partition(".")[0]


def _model(id_: str, name: str, routes: str, *, on_demand: bool = False) -> Model:
    return Model(id_, frozenset(routes.split()), on_demand, name)


MODELS: Mapping[str, Model] = {
    model.id: model
    for model in (
        _model("anthropic.claude-opus-4-8", "Claude Opus 4.8", "messages converse invoke count"),
        _model("anthropic.claude-opus-5", "Claude Opus 5", "messages converse invoke"),
        _model(
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "Claude Sonnet 4.5",
            "messages converse invoke count",
        ),
        _model(
            "anthropic.claude-haiku-4-5-20251001-v1:0",
            "Claude Haiku 4.5",
            "messages converse invoke count",
        ),
        _model(
            "anthropic.claude-3-haiku-20240307-v1:0",
            "Claude 3 Haiku",
            "messages converse invoke",
            on_demand=True,
        ),
        _model("openai.gpt-oss-120b-1:0", "gpt-oss-120b", "chat converse invoke", on_demand=True),
        _model("openai.gpt-oss-20b-1:0", "gpt-oss-20b", "converse invoke", on_demand=True),
        _model("openai.gpt-5.5", "GPT-5.5", "responses converse"),
        _model("openai.gpt-5.6-sol", "GPT-5.6 Sol", "chat responses converse"),
        _model("openai.gpt-6-sol", "GPT-6 Sol", "chat responses converse"),
        _model("xai.grok-4.6", "Grok 4.6", "chat converse"),
        _model("amazon.nova-lite-v1:0", "Nova Lite", "converse invoke", on_demand=True),
        _model("amazon.nova-pro-v1:0", "Nova Pro", "converse invoke", on_demand=True),
        _model("meta.llama3-3-70b-instruct-v1:0", "Llama 3.3 70B", "converse invoke"),
        _model("deepseek.v3.2", "DeepSeek V3.2", "converse chat", on_demand=True),
        _model("amazon.titan-embed-text-v2:0", "Titan Embed v2", "invoke", on_demand=True),
        _model("amazon.titan-embed-text-v1", "Titan Embed v1", "invoke", on_demand=True),
        _model("cohere.embed-english-v3", "Cohere Embed v3", "invoke", on_demand=True),
        _model("cohere.embed-v4:0", "Cohere Embed v4", "invoke", on_demand=True),
        _model(
            "amazon.nova-2-multimodal-embeddings-v1:0", "Nova Embeddings", "invoke", on_demand=True
        ),
    )
}
# The prefixes of the cross-region profiles of the models that need one.
REGIONS = ("us", "eu", "apac", "global")


def served(name: str, route: str) -> Model:
    """Find the model of a request.

    Args:
        name: The id, the id of an inference profile, or an ARN; percent-encoded in a path.
        route: The route.

    Raises:
        BedrockError: As Bedrock refuses the name.

    """
    given = unquote(name)
    model_id = _PROFILES.get(given, given.rpartition("/")[2])
    bare = _PREFIX.sub("", model_id, count=1)
    model = MODELS.get(bare)
    if model is None and given.startswith("arn:"):
        raise BedrockError("ResourceNotFoundException", f"Could not resolve the ARN {given}")
    if model is None:
        raise invalid("The provided model identifier is invalid.")
    if route == "count" and bare != given:  # it takes no profile
        raise invalid("The provided model identifier is invalid.")
    if bare == model_id and not (model.on_demand or given in _PROFILES or route == "count"):
        raise invalid(
            f"Invocation of model ID {given} with on-demand throughput isn't supported. Retry your"
            " request with the ID or ARN of an inference profile that contains this model."
        )
    if route == "count" and route not in model.routes:
        raise invalid("The provided model doesn't support counting tokens.")
    if route not in model.routes or (given.startswith("arn:") and route in _BODY_ROUTES):
        raise invalid(f"The model {given} isn't supported on this route")
    return model


# The routes with the model's name in the body take no ARN of an application profile.
_BODY_ROUTES = ("messages", "chat", "responses")


def version_of(model: Model) -> tuple[int, int]:
    """Return the version of a GPT or a Grok; (0, 0) for another model."""
    found = re.match(r"(?:openai\.gpt|xai\.grok)-(\d+)(?:\.(\d+))?", model.id)
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
