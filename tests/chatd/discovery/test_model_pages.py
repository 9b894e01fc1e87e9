"""Several lists of models are read in parallel, page by page, and within bounds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from pydantic import SecretStr

from chatd.config.provider import Provider
from chatd.credentials.provider_key import ProviderKey
from chatd.dialects.openai_chat.dialect import OpenAIChat
from chatd.discovery.model_pages import model_names
from chatd.errors import UpstreamAuthError
from chatd.upstream_http import HttpRequest, HttpResponse

ROW = Provider("paged", "openai_chat", "https://paged.example")


class Paged(OpenAIChat):
    """A dialect with two lists, whose pages name the next page."""

    def models_requests(self, row: Provider, key: SecretStr | None) -> tuple[HttpRequest, ...]:
        return tuple(HttpRequest(f"{row.base_url}/{name}", {}) for name in ("models", "profiles"))

    def next_models_request(
        self, request: HttpRequest, response: HttpResponse
    ) -> HttpRequest | None:
        page = json.loads(response.body).get("next")
        return None if page is None else HttpRequest(f"{request.url}?page={page}", {})


@dataclass(slots=True)
class Server:
    """Serves the pages of each list; a list without pages is refused."""

    pages: Mapping[str, list[list[str]]]
    endless: bool = False
    sent: list[str] = field(default_factory=list)

    def send(self, request: HttpRequest) -> HttpResponse:
        self.sent.append(request.url)
        url = urlsplit(request.url)
        pages = self.pages.get(url.path.strip("/"))
        if pages is None:
            return HttpResponse(403, {}, b'{"message": "not authorized"}')
        number = int(dict(parse_qsl(url.query)).get("page", "0"))
        body: dict[str, Any] = {"data": [{"id": name} for name in pages[number % len(pages)]]}
        if self.endless or number + 1 < len(pages):
            body["next"] = number + 1
        return HttpResponse(200, {}, json.dumps(body).encode())


def names(server: Server) -> list[str]:
    return model_names(Paged(), ROW, ProviderKey(), server.send)


def test_every_page_of_every_list_is_read_and_a_name_is_listed_once() -> None:
    server = Server({"models": [["a", "b"], ["c"]], "profiles": [["b"], ["d"], ["e"]]})

    assert names(server) == ["a", "b", "c", "d", "e"]
    assert len(server.sent) == 5


def test_a_refused_list_is_left_out() -> None:
    assert names(Server({"profiles": [["d"]]})) == ["d"]


def test_a_refusal_of_all_lists_is_an_error() -> None:
    with pytest.raises(UpstreamAuthError):
        names(Server({}))


def test_an_endless_list_ends_after_20_pages() -> None:
    server = Server({"models": [["a"]], "profiles": [["b"]]}, endless=True)

    assert names(server) == ["a", "b"]
    assert len(server.sent) == 40
