"""Read the names of one provider's models: from one list, or from several lists in pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from chatd.config.provider import Provider
from chatd.credentials.provider_key import ProviderKey
from chatd.dialects import Dialect, PagedModels
from chatd.errors import ChatdError
from chatd.upstream_http import HttpRequest, HttpResponse

# Bedrock's pages have up to 1,000 entries.
_MAX_PAGES = 20
Send = Callable[[HttpRequest], HttpResponse]


def model_names(adapter: Dialect, row: Provider, key: ProviderKey, send: Send) -> list[str]:
    """Read the names, each once.

    Several lists are read in parallel. A list that the provider refuses is left out if there is
    another: a role of AWS may have the permission for one list alone.

    Args:
        adapter: The provider's dialect.
        row: The provider's row.
        key: The provider's key or signer.
        send: Sends a request, within the time for all of them.

    Raises:
        ChatdError: If every list is refused or malformed.

    """
    if not isinstance(adapter, PagedModels):
        return adapter.models(send(key.signed(adapter.models_request(row, key.value))))
    paged: PagedModels = adapter

    def one_list(request: HttpRequest) -> list[str]:
        pages = _pages(paged, request, lambda page: send(key.signed(page)))
        return [name for page in pages for name in adapter.models(page)]

    requests = adapter.models_requests(row, key.value)
    with ThreadPoolExecutor(len(requests)) as threads:
        lists = [threads.submit(one_list, request) for request in requests]
    return list(dict.fromkeys(_of_successes(lists)))


def _pages(adapter: PagedModels, request: HttpRequest, send: Send) -> Iterator[HttpResponse]:
    """Yield the pages of a list, at most 20."""
    page: HttpRequest | None = request
    for _ in range(_MAX_PAGES):
        if page is None:
            return
        response = send(page)
        yield response
        page = adapter.next_models_request(request, response)


def _of_successes(lists: list[Future[list[str]]]) -> Iterator[str]:
    """Yield the names of all lists that were read.

    Raises:
        ChatdError: The first failure, if no list was read.

    """
    failures = [error for found in lists if (error := found.exception()) is not None]
    for error in failures:
        if len(failures) == len(lists) or not isinstance(error, ChatdError):
            raise error
    for found in lists:
        if found.exception() is None:
            yield from found.result()
