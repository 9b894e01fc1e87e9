"""Takes keys and quotes of a conversation out of a provider's words before anyone reads them.

Providers like to quote what they refuse. The caller may see the reason; a log, which keeps a
direct invocation's error, must not see the prompt.
"""

from __future__ import annotations

from collections.abc import Iterable

_QUOTE = 16  # characters in a row that two unrelated texts hardly share
_HIDDEN = "[…]"


def redacted(words: str, *, secrets: Iterable[str], prompts: Iterable[str]) -> str:
    """The words with every secret, and every quote of 16 characters or more, taken out.

    A prompt shorter than that is taken out where it stands as a whole.
    """
    for secret in secrets:
        words = words.replace(secret, _HIDDEN)
    for prompt in prompts:
        words = _without_quotes(words, prompt)
    return words


def _without_quotes(words: str, prompt: str) -> str:
    size = min(_QUOTE, len(prompt.strip()))
    if size < 4:  # noqa: PLR2004  # "a" and "no" stand in every sentence
        return words
    kept = []
    position = 0
    while position < len(words):
        end = position + size
        if end <= len(words) and words[position:end] in prompt:
            while end < len(words) and words[position : end + 1] in prompt:
                end += 1
            kept.append(_HIDDEN)
            position = end
        else:
            kept.append(words[position])
            position += 1
    return "".join(kept)
