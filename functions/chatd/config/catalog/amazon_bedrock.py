"""The row of Amazon Bedrock, whose models speak four dialects."""

from __future__ import annotations

from chatd.config.provider import AwsAccess, Provider, Timeouts

# The prefix of a cross-region inference profile:
# https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html
_REGIONS = r"((us-gov|us|eu|apac|au|jp|ca|in|global)\.)"
# The beginning of an id, which may be the end of an ARN such as
# `arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.meta.llama3-3-70b-instruct-v1:0`.
_ID = rf"(arn:[^/]*/)?{_REGIONS}?"

ROWS = (
    # https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html, and for the dialects
    Provider(
        name="bedrock",
        dialect="bedrock_converse",
        base_url="https://bedrock-runtime.{region}.amazonaws.com",
        # https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
        base_url_variable="AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        aws=AwsAccess(),
        model_dialects=(
            (rf"{_REGIONS}?anthropic\.claude-(?!v\d|instant)", "anthropic_messages"),
            # Only inference profiles have the route.
            (rf"{_REGIONS}openai\.gpt-(5\.[4-9]|[6-9])", "openai_responses"),
            (rf"{_REGIONS}?(openai\.gpt-oss|xai\.grok)", "openai_chat"),
        ),
        universal=True,
        variants={
            "anthropic_messages": "bedrock_anthropic",
            "openai_chat": "bedrock_chat",
            "openai_responses": "bedrock_responses",
        },
        paths={
            "anthropic_messages": "/anthropic/v1",
            "openai_chat": "/openai/v1",
            "openai_responses": "/openai/v1",
        },
        known_to_think=(
            rf"{_ID}(anthropic\.claude-(?!3-[05]|3-(haiku|sonnet|opus)|v\d|instant)"
            r"|openai\.gpt|xai\.grok|deepseek\.r1|amazon\.nova-2|moonshot(ai)?\.kimi)"
        ),
        # gpt-oss takes a format and ignores it; other vendors' models and older ones refuse it:
        # https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html
        formatless=(
            rf"{_ID}(openai\.gpt-oss|anthropic\.claude-"
            r"(?!haiku-4-5|haiku-5-5|opus-4-[568]|sonnet-4-[56]|sonnet-5|mythos)"
            r"|amazon\.|meta\.|cohere\.|ai21\.|writer\.|deepseek\.r1|mistral\.(mixtral|pixtral)"
            r"|mistral\.mistral-(7b|small|large-24))"
        ),
        # Of the models of Converse, Nova and Mistral Large take it:
        # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html and
        # https://github.com/strands-agents/harness-sdk/issues/1241
        choiceless=rf"{_ID}(meta\.|cohere\.|ai21\.|writer\.|deepseek\.r1|amazon\.titan)",
        counts_tokens=True,
        completions="none",
        # Fields of Anthropic's API and of OpenAI's that Bedrock lacks, as of October 2026:
        # https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock
        drops=(
            *("background", "container", "diagnostics", "inference_geo", "mcp_servers", "speed"),
            "user_profile_id",
        ),
        max_tokens_name="max_completion_tokens",  # GPT-5.6 and later refuse `max_tokens`
        # A model may think for minutes before its first word.
        timeouts=Timeouts(first_event=600.0, gap=120.0),
        source="https://docs.aws.amazon.com/bedrock/latest/userguide/models-endpoint-availability.html",
        checked="2026-11-25",
    ),
)
