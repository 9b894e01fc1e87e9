from __future__ import annotations

import base64
import html
import json
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.credentials import redaction
from chatd.credentials.redaction import MAX_SHOWN, redacted
from chatd.credentials.text_normalization import normal

PROMPT = 'Tell me about the "Hanseatic League" in verse, s\'il te plaît.'
KEY = "sk-proj-Ab3/dE+f9h_KlMnOpQr"


def redact(
    words: str,
    *,
    secrets: Iterable[str] = (),
    prompts: Iterable[str] = (),
    kept: Iterable[str] = (),
) -> str:
    return redacted([words], secrets=secrets, prompts=prompts, kept=list(kept))[0]


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("bad key sk-12345678 given", "bad key […] given"),
        (f"cannot answer '{PROMPT}'", "cannot answer '[…]'"),
        ("cannot answer 'the Hanseatic League', sorry", "cannot answer '[…]', sorry"),
        ("model not found", "model not found"),
        ("", ""),
    ],
)
def test_keys_and_quoted_prompts_are_removed(words: str, shown: str) -> None:
    assert shown == redact(words, secrets=["sk-12345678"], prompts=[PROMPT])


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "upper case": str.upper,
    "other white space": lambda text: "\n\t ".join(text.split(" ")),
    "wrapped": lambda text: textwrap.fill(text, 20),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps(json.dumps(text)),
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "every character escaped": lambda text: "".join(f"\\u{ord(sign):04x}" for sign in text),
    "HTML": html.escape,
    "numbers of HTML": lambda text: "".join(f"&#{ord(sign)};" for sign in text),
    "percent": lambda text: quote(text, safe=""),
    "Python": repr,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of more": lambda text: base64.b64encode(f"user: {text}!".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(f"?>{text}".encode()).decode(),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("text", [PROMPT, KEY])
def test_every_spelling_of_a_key_or_a_prompt_is_removed(spelling: str, text: str) -> None:
    spelled = SPELLINGS[spelling](text)
    shown = redact(f"refused ({spelled}) here", secrets=[KEY], prompts=[PROMPT])

    assert shown.replace('"', "").replace("'", "").replace("=", "").replace("\\", "") in (
        "refused ([…]) here",
        "refused ([…].) here",
    )


@pytest.mark.parametrize("shown", range(8, len(KEY)))
def test_a_part_of_a_key_is_removed(shown: int) -> None:
    assert redact(f"key {KEY[:shown]}", secrets=[KEY]) == "key […]"
    assert redact(f"key …{KEY[-shown:]}", secrets=[KEY]) == "key …[…]"


@pytest.mark.parametrize("before", [*range(MAX_SHOWN - 40, MAX_SHOWN + 5), redaction.MAX_READ - 9])
def test_a_key_and_a_prompt_across_the_length_limit_are_removed(before: int) -> None:
    for text in (KEY, PROMPT):
        shown = redact("." * before + text, secrets=[KEY], prompts=[PROMPT])

        assert len(shown) <= MAX_SHOWN + 1
        assert text[:9] not in shown


@pytest.mark.parametrize(
    ("prompt", "words", "shown"),
    [
        ("hunter2", "refused: hunter2!", "refused: […]!"),
        ("hunter2", "hunter2000 and ahunter2", "hunter2000 and ahunter2"),
        ("Say hello.", "cannot Say hello. now", "cannot […] now"),
        ("你好世界", "不能回答你好世界。", "不能回答[…]。"),
        ("model", "the model is not loaded", "the model is not loaded"),
        ("model", "cannot answer 'model'", "cannot answer '[…]'"),
        ("model", r"cannot answer \"model\"", r"cannot answer \"[…]\""),
        ("4096", "at most 4096 tokens", "at most 4096 tokens"),
        ("no", "no 'no'", "no 'no'"),
    ],
)
def test_a_short_prompt_is_removed_whole_and_ordinary_words_stay(
    prompt: str, words: str, shown: str
) -> None:
    assert redact(words, prompts=[prompt]) == shown


def test_the_models_name_stays_when_a_prompt_contains_the_name() -> None:
    name = "vendor/a-model-of-that-name"
    shown = redact(f"{name} is gone: {PROMPT}", prompts=[f"Is {name} good?", PROMPT], kept=[name])

    assert shown == f"{name} is gone: […]."[: len(name) + 13]


def test_a_key_is_removed_even_within_the_models_name() -> None:
    assert KEY not in redact(f"no {KEY}", secrets=[KEY], kept=[KEY])


@pytest.mark.parametrize(
    "words",
    [
        "not authorized: arn:aws:bedrock:us-east-1:123456789012:model/x.",
        "role arn:aws-us-gov:iam::123456789012:role/chatd",
        "account 123456789012 has no access",
    ],
)
def test_arns_and_account_numbers_of_aws_are_removed(words: str) -> None:
    shown = redact(words)

    assert "123456789012" not in shown
    assert "arn:" not in shown


def steps(call: Callable[[], Any]) -> int:
    """Count the lines of this package's code and the built-in functions that a call runs."""
    count = 0

    def trace(frame: Any, event: str, _arg: Any) -> Any:
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()  # the trace function of coverage
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "prompts",
    [
        lambda size: ["abc" for _ in range(size)],
        lambda size: [f"x{n % 7}y{n % 5}" for n in range(size)],
        lambda size: ["a" * size],
        lambda size: ["a" * 15 + "b"] * (size // 16),
        lambda size: ["\\u0061" * (size // 6)],
        lambda size: [" %20&lt;\\" * (size // 9)],
    ],
)
def test_the_work_is_proportional_to_the_prompts(prompts: Callable[[int], list[str]]) -> None:
    words = ("it answered 500: " + "a" * 100 + " abc x1y2 ") * 20

    def work(size: int) -> int:
        return steps(lambda: redact(words, secrets=[KEY], prompts=prompts(size)))

    small, large = work(2_000), work(16_000)
    assert large < 8.5 * small


def test_the_work_does_not_grow_with_the_providers_text() -> None:
    def work(size: int) -> int:
        return steps(lambda: redact("ab" * size, secrets=[KEY], prompts=["ba" * 2000]))

    assert work(400_000) == work(4_000)


@pytest.mark.parametrize("unit", ["\\", "\\u", "%", "%2", "&#", "&", " ", "\\\\ \\", '"', "A"])
def test_a_normal_form_takes_time_in_proportion_to_the_text(unit: str) -> None:
    def seconds(size: int) -> float:
        text, taken = unit * (size // len(unit)), []
        for _ in range(3):
            start = time.process_time()
            normal(text)
            taken.append(time.process_time() - start)
        return min(taken)

    # Quadratic work would take 256 times as long for 16 times the text.
    assert seconds(320_000) < 64 * max(seconds(20_000), 0.0005)


@given(st.text(min_size=1, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_no_long_prompt_is_shown_whole(prompt: str, before: str, after: str) -> None:
    # An escape around the prompt's ends can include characters of the prompt.
    while len(normal(prompt)) < 28:
        prompt += f"{prompt} padded "

    assert prompt[:300] not in redact(before + prompt + after, prompts=[prompt])
