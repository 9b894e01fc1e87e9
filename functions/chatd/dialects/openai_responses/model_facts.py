"""List the refused fields and the least effort of OpenAI's models, by name.

The facts are of November 2026:
https://developers.openai.com/api/docs/guides/latest-model,
https://developers.openai.com/api/docs/guides/reasoning and, measured by others,
https://community.openai.com/t/request-for-compatibility-matrix-reasoning-effort-sampling-parameters-across-gpt-5-series/1371738.
"""

from __future__ import annotations

import re

# They refuse temperature, top_p and log probabilities at every effort.
_FIXED_SAMPLING = re.compile(
    r"o[1-9](-|$)|codex-|gpt-5(?!\.|-chat)|gpt-5\.[1-4].*-(codex|pro|chat)|gpt-5\.[5-9]|gpt-[6-9]"
)
# They take those fields at the effort `none` alone, which is their default.
_SAMPLING_WITHOUT_THOUGHT = re.compile(r"gpt-5\.[1-4]")
# The least effort of models that cannot go without; all others take `none`.
_LEAST_EFFORTS = (
    (re.compile(r"gpt-5-pro"), "high"),
    (re.compile(r"gpt-5\.[0-9]+-pro|gpt-5\.[0-9]+-chat"), "medium"),
    (re.compile(r"o[1-9](-|$)|codex-|gpt-5.*-codex"), "low"),
    (re.compile(r"gpt-5(?!\.|-chat)"), "minimal"),
)


def refuses_sampling(model: str, effort: str | None) -> bool:
    """Return whether the model refuses temperature, top_p and log probabilities.

    Args:
        model: The provider's name for the model, such as `gpt-5.2` or `openai/gpt-5.2`.
        effort: The effort that the request asks for; None without one.

    """
    name = _own_name(model)
    if _FIXED_SAMPLING.match(name):
        return True
    return effort not in (None, "none") and _SAMPLING_WITHOUT_THOUGHT.match(name) is not None


def least_effort(model: str) -> str:
    """Return the effort that thinks least, `none` for most models."""
    name = _own_name(model)
    return next((effort for names, effort in _LEAST_EFFORTS if names.match(name)), "none")


def _own_name(model: str) -> str:
    """Return the name without the vendor, also of Bedrock's `us.openai.gpt-5.6-sol`."""
    return model.lower().rpartition("/")[2].rpartition("openai.")[2]
