"""Image URLs are https: or data:, and http: only with `allow_http_images` in chatd.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import HttpResult, post
from tests.support.upstream import Upstream

PLACE = "messages.1.content.1.image_url.url"


def picture(url: Any, model: str = "kimi/k3") -> HttpResult:
    parts = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": url}]
    first = {"role": "system", "content": "Be brief."}
    body = {"model": model, "messages": [first, {"role": "user", "content": parts}]}
    return post(body, "/v1/chat/completions")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "ftp://host/a.png",
        "gopher://host/",
        "blob:https://host/a",
        "javascript:https:",
        "//host/a.png",
        "/etc/passwd",
        "a.png",
        "https",
        "https:",
        "https:a.png",
        "https:///a.png",
        "https://?a",
        " https://host/a.png",
        "\thttps://host/a.png",
        "https://host/a b.png",
        "https://ho\nst/a.png",
        "ht\ntps://host/a.png",
        "fi\nle:///etc/passwd",
        "https://host\\@other/a.png",
        "https://host/\x00",
        "\x00https://host/a.png",
        "http://host/a.png",
        "HTTP://host/a.png",
        "https://host/a\u2028b.png",
        "http\u017f://host/a.png",  # a long s, which upper() turns into an S
        "ⓗttps://host/a.png",
        "dаta:image/png;base64,AA==",  # noqa: RUF001  # a Cyrillic letter is the case
    ],
)
@pytest.mark.parametrize("model", ["kimi/k3", "openrouter/v/m", "m"])
def test_another_scheme_or_a_malformed_url_is_refused(
    provider: Upstream, keys: str, model: str, url: str
) -> None:
    result = picture({"url": url}, model)

    assert (result.status, result.json["error"]["param"]) == (400, PLACE)
    assert result.json["error"]["code"] == "invalid_request"
    assert len(url) < len("https://") or url not in result.json["error"]["message"]
    assert provider.received == []


@pytest.mark.parametrize(
    "url",
    [
        "https://host/a.png",
        "HTTPS://host:8443/a.png?b=c#d",
        "https://[::1]/a.png",
        "https://bücher.example/ä.png",
        "data:image/png;base64,AA==",
        "DATA:image/png;base64,AA==",
        "data:image/png;base64,AA\n==",
    ],
)
def test_https_and_data_urls_are_passed_on_unchanged(
    provider: Upstream, keys: str, url: str
) -> None:
    result = picture({"url": url, "detail": "low"})

    sent = provider.last.json["messages"][1]["content"][1]["image_url"]
    assert (result.status, sent) == (200, {"url": url, "detail": "low"})


def test_http_is_allowed_by_a_setting(provider: Upstream, keys: str, config: Path) -> None:
    config.write_text("allow_http_images = true\n", "utf-8")

    assert picture({"url": "http://host/a.png"}).status == 200
    assert picture({"url": "file:///etc/passwd"}).status == 400
    assert picture({"url": "http:a.png"}).status == 400


def test_the_refusal_of_http_names_the_setting(provider: Upstream, keys: str) -> None:
    result = picture({"url": "http://host/a.png"})

    assert "allow_http_images" in result.json["error"]["message"]


def test_a_url_as_a_text_is_read_as_an_object_with_the_url(provider: Upstream, keys: str) -> None:
    """Ollama's example for its OpenAI surface sends the URL as a text.

    https://docs.ollama.com/api/openai-compatibility
    """
    url = "data:image/png;base64,AA=="

    assert picture(url).status == 200
    assert provider.last.json["messages"][1]["content"][1]["image_url"] == {"url": url}
    assert picture(url, "m").status == 200
    assert provider.last.json["messages"][1]["images"] == ["AA=="]
    assert picture("file:///etc/passwd").json["error"]["param"] == PLACE
    assert picture("").status == 400
    assert picture(7).json["error"]["param"] == "messages.1.content.1.image_url"
