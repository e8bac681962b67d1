"""How an alert leaves: a POST, a command, a ping. Each returns why it failed, and never raises for it."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from ssl import SSLContext
    from urllib.request import OpenerDirector, Request

TRIES = 3
TIMEOUT = 5.0
"""Seconds that one try may take, from the name's lookup to the answer's head."""

PAUSES = (0.5, 1.0)
"""Seconds after the first and the second try."""

COMMAND_TIMEOUT = 10.0
LONGEST = TRIES * TIMEOUT + sum(PAUSES) + 1.0
"""Seconds after which every sending has ended."""

SIGNATURE = "X-Archfb-Signature"
DELIVERY = "X-Archfb-Delivery"


class Refused(Exception):
    """One try failed."""


@dataclass(frozen=True, slots=True)
class Post:
    """Where requests go out: the variables that name proxies and certificates, and how patient to be (seconds)."""

    environ: Mapping[str, str]
    timeout: float = TIMEOUT
    sleep: Callable[[float], None] = field(default=time.sleep)

    def webhook(self, url: str, body: bytes, secret: str | None = None) -> str | None:
        """POST a document, signed with HMAC-SHA256 where there is a secret; returns why it failed, None where not.

        A receiver tells a repeated try by the delivery's number.
        """
        import hashlib

        headers = {"Content-Type": "application/json", DELIVERY: hashlib.sha256(body).hexdigest()[:32]}
        if secret is not None:
            headers[SIGNATURE] = signature(body, secret)
        return self._tried(url, "POST", body, headers)

    def ping(self, url: str) -> str | None:
        """GET an address; returns why it failed, None where not."""
        return self._tried(url, "GET", None, {})

    def _tried(self, url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> str | None:
        why = ""
        for pause in (*PAUSES[: TRIES - 1], None):
            try:
                within(self.timeout, lambda: self._once(url, method, body, headers))
            except Refused as refused:
                why = str(refused)
            else:
                return None
            if pause is not None:
                self.sleep(pause)
        return f"{why}, {TRIES} tries"

    def _once(self, url: str, method: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        import http.client
        import urllib.error
        from urllib.request import Request

        from archfb.providers.clients import TrustError
        from archfb.version import __version__

        request = Request(  # noqa: S310 - the configuration admits http and https only
            url, data=body, method=method, headers={"User-Agent": f"archfb/{__version__}", **headers}
        )
        try:
            with self._opener(request).open(request, timeout=self.timeout):
                return
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(_status(error.code)) from None
        except TrustError as error:
            raise Refused(str(error).rstrip(".")) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            slow = isinstance(getattr(error, "reason", error), TimeoutError)
            raise Refused(_late(self.timeout) if slow else _reason(error, request.host)) from None

    def _opener(self, request: Request) -> OpenerDirector:
        from urllib.request import HTTPSHandler, ProxyHandler, build_opener

        from archfb.providers.proxies import proxy_for

        proxy = proxy_for(request.full_url, self.environ)
        handlers: list[Any] = [ProxyHandler({request.type: proxy} if proxy else {}), _no_redirect()]
        if request.type == "https":
            handlers.append(HTTPSHandler(context=self._trust()))
        return build_opener(*handlers)

    def _trust(self) -> SSLContext:
        from archfb.providers.clients import Trust

        return Trust(self.environ).context()


def _no_redirect() -> Any:
    from urllib.request import HTTPRedirectHandler

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: Any) -> None:
            """Follow nothing: what is told was meant for one address."""

    return Stay()


def _status(code: int) -> str:
    return f"answered {code}" + (" (redirects are not followed)" if 300 <= code < 400 else "")


def _late(seconds: float) -> str:
    return f"no answer within {seconds:g} s"


def _reason(error: BaseException, host: str) -> str:
    from archfb.providers.network import from_system

    found = from_system(error, host)
    if found is not None and found.message:
        return found.message.rstrip(".")
    return str(getattr(error, "reason", None) or error or type(error).__name__).rstrip(".")


def within(seconds: float, work: Callable[[], None]) -> None:
    """Do work in a thread of its own and wait so long for it; raises Refused where it is not done by then.

    A socket's own time limit is for each step, and a name's lookup has none.
    """
    import threading

    failed: list[Refused] = []

    def guarded() -> None:
        try:
            work()
        except Refused as refused:
            failed.append(refused)
        except Exception as error:  # noqa: BLE001 - a thread's traceback would go to the user's terminal
            failed.append(Refused(f"{type(error).__name__}: {error}"))

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise Refused(_late(seconds))
    if failed:
        raise failed[0]


def signature(body: bytes, secret: str) -> str:
    """Return what the signature header says of a body: sha256=HEX, by HMAC-SHA256 with the secret as UTF-8."""
    import hashlib
    import hmac

    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def run(
    command: Sequence[str], body: bytes, environ: Mapping[str, str], limit: float = COMMAND_TIMEOUT
) -> str | None:
    """Run a command without a shell, the document on its stdin; returns why it failed, None where not.

    It and what it started are killed after `limit` seconds; what it prints is not shown.
    """
    import subprocess

    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own words, without a shell
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=dict(environ),
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return f"cannot be run: {getattr(error, 'strerror', None) or error}"
    try:
        process.communicate(body, timeout=limit)
    except subprocess.TimeoutExpired:
        _kill(process.pid)
        process.communicate()
        return f"did not end within {limit:g} s"
    return None if process.returncode == 0 else f"ended with exit code {process.returncode}"


def _kill(pid: int) -> None:
    import signal
    from contextlib import suppress

    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
