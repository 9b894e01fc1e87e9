"""The vendors that serve their own models: their refusals, and the forms of their answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tests.support.vendors import errors
from tests.support.vendors.refusals import (
    Json,
    fields,
    image_urls,
    images,
    last_roles,
    no_alternation,
    no_reasoning,
    no_signature,
    other_call_ids,
    other_fields,
    other_roles,
    other_tool_choices,
    other_turn_fields,
    other_values,
    over,
    second_system,
    together,
    tool_fields,
    tool_kinds,
    when,
)
from tests.support.vendors.vendor import Form, Vendor

_MISTRAL = (
    "https://github.com/mistralai/client-python/blob/main/docs/models/chatcompletionrequest.md"
)
_MISTRAL_IDS = (
    "https://github.com/mistralai/mistral-common/blob/main"
    "/src/mistral_common/protocol/instruct/validator.py"
)
_DEEPSEEK = "https://api-docs.deepseek.com/guides/thinking_mode"
_XAI = "https://docs.x.ai/developers/model-capabilities/text/reasoning"
_COHERE = "https://docs.cohere.com/docs/compatibility-api"
_PERPLEXITY = "https://github.com/perplexityai/api-discussion/issues/265"
_ZAI = "https://docs.z.ai/api-reference/llm/chat-completion"
_MOONSHOT = "https://platform.moonshot.ai/docs/guide/kimi-k2-5-quickstart"
_DASHSCOPE = "https://www.alibabacloud.com/help/en/model-studio/deep-thinking"
_GPT_5 = "https://community.openai.com/t/gpt-5-models-temperature/1337957"


def _is_gpt_5(body: Json) -> bool:
    return str(body["model"]).startswith("gpt-5")


def _thinks_unless_disabled(body: Json) -> bool:
    """Whether a model thinks that does so by default."""
    return (body.get("thinking") or {}).get("type") != "disabled"


def _thinks_on_demand(body: Json) -> bool:
    return body.get("enable_thinking") is True


def _thinks_at_moonshot(body: Json) -> bool:
    return _thinks_unless_disabled(body) and body.get("reasoning_effort") != "none"


VENDORS: Mapping[str, Vendor] = MappingProxyType(
    {
        "openai": Vendor(
            models=("gpt-4.1-mini", "gpt-5-mini", "gpt-5.6-sol"),
            refusals=(
                *(
                    when(_is_gpt_5, "of GPT-5", refusal)
                    for refusal in (
                        other_values(_GPT_5, "temperature", 1),
                        fields("https://github.com/chatboxai/chatbox/issues/2627", "top_p"),
                        fields("https://github.com/BerriAI/litellm/pull/15244", "stop"),
                        fields(_GPT_5, "presence_penalty", "frequency_penalty", "logprobs"),
                        fields(
                            "https://github.com/lobehub/lobehub/issues/5909",
                            "max_tokens",
                        ),
                    )
                ),
                fields("https://github.com/teabranch/open-responses-server/issues/41", "reasoning"),
            ),
        ),
        "gemini": Vendor(
            models=("gemini-3.5-flash",),
            refusals=(
                fields("https://github.com/sleepydeer666/RPGBox/issues/2", "frequency_penalty"),
                fields("https://github.com/Vali-98/ChatterUI/issues/227", "seed"),
                fields("https://github.com/jackmpcollins/magentic/pull/382", "parallel_tool_calls"),
                fields(
                    "https://github.com/MinLL/SkyrimNet-GamePlugin/issues/77",
                    *("reasoning", "top_k"),
                ),
                fields("https://github.com/liliMozi/openhanako/issues/394", "store"),
                fields(
                    "https://github.com/FuzzAnything/PromptFuzz/issues/42", "web_search_options"
                ),
                no_signature("https://github.com/earendil-works/pi/issues/6733"),
            ),
            error=errors.gemini,
            form=Form(
                thinking=None,
                indexed_calls=False,  # https://github.com/AstrBotDevs/AstrBot/issues/6661
                # https://github.com/earendil-works/pi/issues/6733
                call_fields={"extra_content": {"google": {"thought_signature": "c2lnbmF0dXJl"}}},
                finish_of_calls="stop",  # https://github.com/googleapis/python-genai/issues/2868
            ),
        ),
        "mistral": Vendor(
            models=("mistral-medium-latest", "magistral-medium-latest"),
            refusals=(
                other_fields(
                    _MISTRAL,
                    *("model", "messages", "stream", "stream_options", "response_format"),
                    *("temperature", "top_p", "max_tokens", "min_tokens", "stop", "random_seed"),
                    *("presence_penalty", "frequency_penalty", "n", "metadata", "prediction"),
                    *("tools", "tool_choice", "parallel_tool_calls"),
                    *("prompt_mode", "reasoning_effort", "safe_prompt"),
                ),
                other_roles(_MISTRAL, "system", "user", "assistant", "tool"),
                other_turn_fields(
                    "https://github.com/nomtek/mistralai_client_dart/issues/44", "user"
                ),
                other_turn_fields(
                    "https://github.com/charmbracelet/crush/issues/1590",
                    *("assistant", "tool_calls", "prefix"),
                ),
                other_turn_fields(_MISTRAL, "tool", "tool_call_id", "name"),
                other_call_ids(_MISTRAL_IDS, r"[a-zA-Z0-9]{9}"),
            ),
            status=422,
            error=errors.mistral,
            # https://docs.mistral.ai/capabilities/reasoning/
            form=Form(thinking="parts", usage="last"),
        ),
        "deepseek": Vendor(
            models=("deepseek-v4-pro",),
            refusals=(
                no_reasoning(_DEEPSEEK, "reasoning_content", _thinks_unless_disabled),
                tool_kinds("https://api-docs.deepseek.com/api/create-chat-completion"),
                images("https://api-docs.deepseek.com/api/create-chat-completion"),
                when(
                    _thinks_unless_disabled,
                    "while the model thinks",
                    other_tool_choices(
                        "https://github.com/deepseek-ai/DeepSeek-V3/issues/1376", "auto", "none"
                    ),
                ),
                other_roles(
                    "https://api-docs.deepseek.com/api/create-chat-completion",
                    *("system", "user", "assistant", "tool"),
                ),
            ),
            form=Form(
                usage="last", counts={"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 7}
            ),
            thinks=_thinks_unless_disabled,
        ),
        "xai": Vendor(
            models=("grok-4.6", "grok-4.20-0309-non-reasoning"),
            refusals=(
                fields(
                    "https://github.com/miaoxworld/NativeTavern/issues/83",
                    *("presence_penalty", "frequency_penalty"),
                ),
                fields("https://github.com/mnfst/modelparams.dev/pull/330", "stop"),
                when(
                    lambda body: "reasoning" in str(body["model"]),
                    "of models without efforts",
                    fields("https://github.com/chenyme/grok2api/issues/814", "reasoning_effort"),
                ),
                other_values(_XAI, "reasoning_effort", "low", "medium", "high", "xhigh"),
            ),
            error=errors.xai,
        ),
        "cohere": Vendor(
            models=("command-a-reasoning-08-2025",),
            refusals=(
                fields(_COHERE, "n", "logit_bias", "store", "metadata", "parallel_tool_calls"),
                fields(_COHERE, "service_tier", "top_logprobs", "modalities", "prediction"),
                # The native API has REQUIRED and NONE, and no name of a tool.
                other_tool_choices(
                    "https://docs.cohere.com/reference/chat", "auto", "required", "none"
                ),
                tool_fields(
                    "https://github.com/OpenRouterTeam/openrouter-examples/issues/71", "strict"
                ),
                other_values(_COHERE, "reasoning_effort", "none", "high"),
                tool_kinds(_COHERE),
            ),
            status=422,
            error=errors.cohere,
        ),
        "perplexity": Vendor(
            models=("sonar-reasoning-pro",),
            refusals=(
                no_alternation(_PERPLEXITY),
                last_roles(_PERPLEXITY, "assistant"),
                other_roles(_PERPLEXITY, "system", "user", "assistant"),
                fields(
                    "https://docs.perplexity.ai/api-reference/chat-completions-post",
                    *("tools", "tool_choice", "parallel_tool_calls"),
                ),
            ),
            error=errors.perplexity,
            form=Form(
                thinking="tags",
                usage="last",
                whole={
                    "citations": ["https://example.com/"],
                    "search_results": [{"title": "t", "url": "https://example.com/", "date": None}],
                },
                counts={"search_context_size": "low", "cost": {"total_cost": 0.006}},
            ),
        ),
        "zai": Vendor(
            models=("glm-5",),
            refusals=(
                other_tool_choices("https://github.com/vectorize-io/hindsight/issues/4246", "auto"),
                fields(_ZAI, "frequency_penalty", "presence_penalty", "seed"),
                other_roles(_ZAI, "system", "user", "assistant", "tool"),
                over(_ZAI, "temperature", 1),
                # https://docs.z.ai/guides/capabilities/struct-output
                when(
                    lambda body: (body.get("response_format") or {}).get("type") == "json_schema",
                    "of the type json_schema",
                    fields(
                        "https://docs.z.ai/guides/capabilities/struct-output", "response_format"
                    ),
                ),
            ),
            error=errors.zai,
            form=Form(usage="last"),
            thinks=_thinks_unless_disabled,
        ),
        "minimax": Vendor(
            models=("MiniMax-M3",),
            refusals=(
                second_system("https://github.com/can1357/oh-my-pi/pull/954"),
                other_roles(
                    "https://github.com/temm1e-labs/temm1e/issues/59",
                    *("system", "user", "assistant", "tool"),
                ),
                other_values(
                    "https://platform.minimax.io/docs/api-reference/text-openai-api", "n", 1
                ),
            ),
            error=errors.minimax,
            form=Form(usage="last"),
        ),
        "moonshot": Vendor(
            models=("kimi-k2.6",),
            refusals=(
                other_values("https://github.com/lsdefine/GenericAgent/pull/30", "temperature", 1),
                other_values(_MOONSHOT, "top_p", 0.95),
                other_values(_MOONSHOT, "n", 1),
                other_values(_MOONSHOT, "presence_penalty", 0),
                other_values(_MOONSHOT, "frequency_penalty", 0),
                when(
                    _thinks_at_moonshot,
                    "while the model thinks",
                    other_tool_choices(
                        "https://github.com/UKGovernmentBEIS/inspect_ai/pull/5152", "auto", "none"
                    ),
                ),
                no_reasoning(
                    "https://github.com/continuedev/continue/issues/11600",
                    "reasoning_content",
                    _thinks_at_moonshot,
                ),
                image_urls("https://platform.moonshot.ai/docs/guide/use-kimi-vision-model"),
                tool_kinds("https://platform.moonshot.ai/docs/api/chat"),
            ),
            form=Form(usage="choice"),
            thinks=_thinks_at_moonshot,
        ),
        "dashscope": Vendor(
            models=("qwen3-max", "qwen-plus"),
            refusals=(
                when(
                    lambda body: _thinks_on_demand(body) and not body.get("stream"),
                    "in a whole answer",
                    fields(
                        "https://github.com/langchain4j/langchain4j/issues/3974", "enable_thinking"
                    ),
                ),
                when(
                    _thinks_on_demand,
                    "while the model thinks",
                    other_tool_choices(_DASHSCOPE, "auto", "none"),
                ),
                together(
                    "https://github.com/presenton/presenton/issues/184",
                    *("response_format", "enable_thinking"),
                ),
                other_roles(
                    "https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference",
                    *("system", "user", "assistant", "tool"),
                ),
            ),
            thinks=_thinks_on_demand,
        ),
    }
)
