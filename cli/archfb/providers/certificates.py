"""When a refused certificate was valid: asked for again without trusting it, and with nothing sent."""

from __future__ import annotations

import re
from asyncio import IncompleteReadError, LimitOverrunError
from base64 import b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from urllib.parse import SplitResult

_TIME = rb"(?:\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z)"
_VALIDITY = re.compile(rb"\x30." + _TIME + _TIME, re.DOTALL)


def validity(der: bytes) -> tuple[datetime, datetime] | None:
    """Return from when to when a DER certificate is valid, or None where that cannot be found.

    X.509's Validity is a SEQUENCE of two times (RFC 5280, 4.1.2.5): UTCTime up to 2049, GeneralizedTime from then on.
    """
    found = _VALIDITY.search(der)
    if not found:
        return None
    begins, ends = _instant(found[1], found[2]), _instant(found[3], found[4])
    return (begins, ends) if begins and ends else None


def _instant(short: bytes | None, long: bytes | None) -> datetime | None:
    digits = long.decode() if long else _with_century((short or b"").decode())
    try:
        return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _with_century(digits: str) -> str:
    return ("20" if digits[:2] < "50" else "19") + digits


def sentence(host: str, dates: tuple[datetime, datetime] | None, why: str, now: datetime) -> str:
    """Return what is wrong with a certificate, with its date and this machine's clock."""
    clock = f"clock here says {now:%Y-%m-%d %H:%M} UTC"
    if dates and now > dates[1]:
        return f"Certificate of {host} expired {dates[1]:%Y-%m-%d}; {clock}."
    if dates and now < dates[0]:
        return f"Certificate of {host} is valid from {dates[0]:%Y-%m-%d} only; {clock}."
    return f"{why.rstrip('.')}; {clock}."


async def fetch(host: str, port: int, proxy: str | None = None) -> bytes | None:
    """Return the certificate that a server shows, in DER; the connection is closed without a byte of HTTP to it.

    None also where it cannot be had through the proxy. Raises OSError; bound it in time yourself.
    """
    import asyncio
    import ssl

    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    there = urlsplit(proxy or f"//{host}:{port}")
    if proxy is not None and there.scheme != "http":
        return None
    reader, writer = await asyncio.open_connection(there.hostname, there.port or 80)
    try:
        if proxy is not None:
            writer.write(_tunnel(host, port, there))
            if b" 200" not in (await reader.readuntil(b"\r\n\r\n"))[:13]:
                return None
        await writer.start_tls(trusting, server_hostname=host)
        shown: bytes | None = writer.get_extra_info("ssl_object").getpeercert(True)
        return shown
    except (IncompleteReadError, LimitOverrunError):
        return None
    finally:
        writer.transport.abort()


def _tunnel(host: str, port: int, proxy: SplitResult) -> bytes:
    name = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    user = f"{unquote(proxy.username or '')}:{unquote(proxy.password or '')}".encode()
    auth = f"Proxy-Authorization: Basic {b64encode(user).decode()}\r\n" if user != b":" else ""
    return f"CONNECT {name} HTTP/1.1\r\nHost: {name}\r\n{auth}\r\n".encode()
