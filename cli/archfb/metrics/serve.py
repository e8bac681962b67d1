"""The metrics over HTTP, for as long as a watcher runs: GET /metrics and GET /health, in threads of their own."""

from __future__ import annotations

import socket
import socketserver
import sqlite3
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.errors import ArchfbError, UsageError
from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from archfb.config.model import Config
    from archfb.routing.table import StatusTable
    from archfb.verdict import Verdict

LOOPBACK = "127.0.0.1"

AT_ONCE = 8
"""Requests answered at the same time; one more is turned away."""

PATIENCE = 5.0
"""Seconds that a client may be silent."""


class Page(NamedTuple):
    """One response."""

    status: int
    type: str
    body: str


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return HOST:PORT, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address(text: str) -> Address:
    """Return where HOST:PORT, :PORT or PORT says to listen; without a host only this machine is answered.

    Raises UsageError.
    """
    host, _, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not port.isascii() or not port.isdecimal() or int(port) > 65535 or (":" in bare) != (bare != host):
        raise UsageError(f"--serve must be HOST:PORT, such as {LOOPBACK}:9464; got '{text[:60]}'.")
    return Address(bare or LOOPBACK, int(port))


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a host that is listened at."""
    import ipaddress

    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def serving(where: Address, pages: Mapping[str, Callable[[], Page]]) -> Iterator[Address]:
    """Answer GET requests for these paths while the block runs; gives where (port 0 becomes a free one).

    The pages are made in other threads, one at a time. Raises UsageError where nobody can listen there.
    """
    try:
        server = _Server(where, pages)
    except (OSError, UnicodeError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        hint = "Name another --serve HOST:PORT."
        raise UsageError(f"Cannot serve metrics at {where}: {reason}.", hint=hint) from None
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="metrics", daemon=True)
    thread.start()
    try:
        yield Address(where.host, server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()


def pages(
    config: Config, path: str, environ: Mapping[str, str], judge: Callable[[Config, StatusTable], Verdict]
) -> dict[str, Callable[[], Page]]:
    """Return /metrics and /health of a state file, each read anew for every request; `judge` gives the verdict."""
    return {
        "/metrics": lambda: metrics_page(config, path, environ),
        "/health": lambda: health_page(judge(config, stored_table(config, path, environ))),
    }


def metrics_page(config: Config, path: str, environ: Mapping[str, str]) -> Page:
    """Return the exposition."""
    from archfb.metrics.exposition import CONTENT_TYPE
    from archfb.metrics.stored import stored

    return Page(200, CONTENT_TYPE, stored(config, path, environ))


def stored_table(config: Config, path: str, environ: Mapping[str, str]) -> StatusTable:
    """Return the table of a state file, which is only looked at."""
    from archfb.config.load import sharing
    from archfb.routing.roster import roster
    from archfb.routing.table import status_table
    from archfb_state.storage.opening import peek

    store = peek(path, **sharing(config, environ))
    try:
        return status_table(config, roster(config, environ, store.salt), store.snapshot())
    finally:
        store.close()


def health_page(found: Verdict) -> Page:
    """Return the verdict as JSON: 200 while every chain has a usable model, 503 otherwise."""
    from archfb.output import json_text

    told = {"schema": 1, "status": found.word, "code": found.code, "message": found.sentence}
    return Page(200 if found.code <= 1 else 503, "application/json", json_text(told) + "\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, where: Address, pages: Mapping[str, Callable[[], Page]]) -> None:
        self.address_family = socket.AF_INET6 if ":" in where.host else socket.AF_INET
        self._free = threading.BoundedSemaphore(AT_ONCE)
        self._one = threading.Lock()
        self._pages = pages
        super().__init__((where.host, where.port), _Handler)

    def page(self, path: str) -> Page:
        """Return what a path answers; what goes wrong is a 503 that tells nothing of this machine."""
        make = self._pages.get(path)
        if make is None:
            return Page(404, "text/plain; charset=utf-8", f"Here are {' and '.join(self._pages)}.\n")
        try:
            with self._one:
                return make()
        except (ArchfbError, StoreBusy, StoreUnusable, sqlite3.Error, OSError) as error:
            return Page(503, "text/plain; charset=utf-8", f"The state cannot be read ({type(error).__name__}).\n")

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread, unless too many are being answered."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and make room."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away: the terminal is the watcher's."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = PATIENCE

    def do_GET(self) -> None:
        """Answer with a page."""
        self._answer(self.server.page(self.path.partition("?")[0]), body=True)

    def do_HEAD(self) -> None:
        """Answer with a page's head."""
        self._answer(self.server.page(self.path.partition("?")[0]), body=False)

    def _answer(self, page: Page, *, body: bool) -> None:
        content = page.body.encode()
        self.send_response(page.status)
        self.send_header("Content-Type", page.type)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def version_string(self) -> str:
        """Tell who answers, and nothing of the versions."""
        return "archfb"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Say nothing: the terminal is the watcher's."""
