"""Run the gateway on this machine: start the parts in order, serve, stop on Ctrl-C."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from chatd.access.caller_keys import Callers
from chatd.config.settings import ConfigError, Settings, load
from chatd.dialects import DIALECTS
from chatd.errors import ChatdError
from chatd.idempotency import RecordsUnavailableError
from chatd.idempotency.sqlite import Sqlite
from local import demo_ollama, routes
from local.banner import banner
from local.http_server.asgi_app import GatewayApp
from local.http_server.connection_limits import ConnectionLimits
from local.http_server.log_throttle import LogThrottle
from local.http_server.proxy_integration import (
    HttpRequest,
    MalformedResultError,
    to_event,
    to_response,
)
from local.http_server.request_guard import RequestGuard
from local.http_server.server import connection_limit, listener, serving, stop_signal
from local.listening_socket import listen, url_of
from local.options import Options, StartError, parse_options
from local.routes import Route
from local.run_folder import run_folder
from local.template import TemplateError
from local.upstream_detection import Upstream, detect_upstream
from local.workers.pool import WorkerPool
from local.workers.worker_process import WorkerStartError, worker_environment

_log = logging.getLogger("chatd.local")

_PROVIDER_LIST = "/v1/chat/providers"
# Seconds that the banner waits for the provider list.
_PROVIDER_LIST_SECONDS = 3.0


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; return the exit status."""
    logging.basicConfig(level=logging.WARNING, format="chatd: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(LogThrottle())
    try:
        options = parse_options(arguments, os.environ)
        settings = load(os.environ, DIALECTS)
        table = routes.read(options.template)
        with listen(options) as sock:
            gateway = _Gateway(options, settings, table, detect_upstream(settings, os.environ))
            asyncio.run(gateway.serve(sock))
    except (StartError, ConfigError, TemplateError, WorkerStartError) as error:
        print(f"chatd: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:  # before the signal handlers were in place
        return 130
    return 0


@dataclass(frozen=True, slots=True)
class _Gateway:
    options: Options
    settings: Settings
    routes: Sequence[Route]
    upstream: Upstream

    async def serve(self, sock: socket.socket) -> None:
        """Start every part, serve until a signal, and stop every part."""
        stop = stop_signal()
        async with AsyncExitStack() as stack:
            upstream = await self._upstream(stack)
            # The server starts first and stops last: it answers the requests in flight.
            pools = self._pools(upstream, stack.enter_context(run_folder()))
            app = GatewayApp(self.routes, pools, self._guard())
            await stack.enter_async_context(serving(app, sock, self._limits(pools)))
            for pool in pools.values():
                stack.push_async_callback(pool.stop)
            await _start_all(pools.values())
            text = banner(
                url_of(sock),
                options=self.options,
                routes=self.routes,
                upstream=upstream,
                providers=await self._registered_providers(pools),
            )
            print(f"\n{text}\n", flush=True)
            await stop.wait()

    async def _upstream(self, stack: AsyncExitStack) -> Upstream:
        """Return the upstream; start the demo if no Ollama answers."""
        if self.upstream.kind != "demo":
            return self.upstream
        sock = stack.enter_context(listener("127.0.0.1", 0))
        await stack.enter_async_context(serving(demo_ollama.app(), sock))
        return replace(self.upstream, url=url_of(sock), models=demo_ollama.MODELS)

    def _pools(self, upstream: Upstream, folder: Path) -> dict[str, WorkerPool]:
        """Make a pool of workers for each function; all share a folder."""
        records = str(folder / "idempotency.sqlite3")
        env: Mapping[str, str] = {
            **worker_environment(self.options.code, os.environ),
            "CHATD_IDEMPOTENCY_FILE": records,
            "CHATD_RESPONSES_FILE": str(folder / "responses.sqlite3"),
        }
        if upstream.kind == "demo":
            env = {**env, "OLLAMA_URL": upstream.url}
        functions = {route.function.name: route.function for route in self.routes}
        return {
            name: WorkerPool(
                function, env, self.options.workers, partial(_release_keys, Sqlite(records))
            )
            for name, function in functions.items()
        }

    def _limits(self, pools: Mapping[str, WorkerPool]) -> ConnectionLimits:
        """Limit the connections; each worker needs a socket and, on Linux, a pidfd."""
        return ConnectionLimits(connections=connection_limit(2 * self.options.workers * len(pools)))

    def _guard(self) -> RequestGuard:
        keys = self.options.caller_keys
        return RequestGuard(
            callers=Callers.of_keys(keys) if keys else None,
            host=self.options.host,
            origins=self.settings.cors_origins,
        )

    async def _registered_providers(self, pools: Mapping[str, WorkerPool]) -> list[str] | None:
        """Get the names of the registered providers; None if that takes more than 3 s."""
        for route in self.routes:
            if route.path == _PROVIDER_LIST and "GET" in route.methods:
                request = HttpRequest("GET", _PROVIDER_LIST, "", (), b"", "127.0.0.1")
                event = to_event(request, route, "banner")
                with contextlib.suppress(TimeoutError, ChatdError, MalformedResultError):
                    async with asyncio.timeout(_PROVIDER_LIST_SECONDS):
                        call = pools[route.function.name].invoke(event, "banner", _discard)
                        # A slow list is not cancelled: the first chat needs the same keys.
                        result = await asyncio.shield(call)
                    return _provider_names(to_response(result).body)
        return None


def _release_keys(records: Sqlite, process: int) -> None:
    """Release the idempotency keys of a worker that ended in the middle of a request."""
    try:
        records.release_of(process)
    except RecordsUnavailableError as error:
        _log.warning("idempotency keys of a killed worker are not released: %s", error)


def _provider_names(body: bytes) -> list[str] | None:
    try:
        return [str(provider["name"]) for provider in json.loads(body)["providers"]]
    except (ValueError, KeyError, TypeError):  # not a provider list: the banner omits the names
        return None


async def _discard(_part: object) -> None:
    """Discard a part of a streamed answer: the provider list is not streamed."""


async def _start_all(pools: Iterable[WorkerPool]) -> None:
    """Start all pools, then raise the first failure, so that the caller can stop each pool."""
    started = await asyncio.gather(*(pool.start() for pool in pools), return_exceptions=True)
    for failure in started:
        if failure is not None:
            raise failure
