"""Why a connection failed: the operating system's, TLS's and the protocol's errors by their names.

Only the standard library's exceptions are looked at, wherever in the chain they are, so that it does not matter which
HTTP library wrapped them.
"""

from __future__ import annotations

import errno
import socket
import ssl
from typing import TYPE_CHECKING

from archfb.providers.verdicts import Verdict
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

_ERRNO = {
    errno.ECONNREFUSED: ("refused", "{host} refused the connection."),
    errno.ECONNRESET: ("reset", "{host} reset the connection."),
    errno.EPIPE: ("reset", "{host} closed the connection."),
    errno.ECONNABORTED: ("reset", "The connection to {host} was aborted."),
    errno.ENETUNREACH: ("no_route", "There is no route to {host}."),
    errno.EHOSTUNREACH: ("no_route", "There is no route to {host}."),
    errno.ENETDOWN: ("no_route", "The network is down."),
    errno.EADDRNOTAVAIL: ("no_route", "This machine has no address to reach {host} from."),
    errno.ETIMEDOUT: ("connect_timeout", "{host} did not answer."),
}

_RESOLVER = {
    socket.EAI_AGAIN: ("no_resolver", "No name server answered (asked for {host})."),
    socket.EAI_FAIL: ("no_resolver", "The name server failed (asked for {host})."),
    socket.EAI_SYSTEM: ("no_resolver", "The resolver failed (asked for {host})."),
}

EXPIRED = 10
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED."""
NOT_YET = 9


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, its causes and contexts, and the members of groups among them."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions


def from_system(error: BaseException, host: str) -> Verdict | None:
    """Return the verdict on what the system or TLS said, or None where neither said anything."""
    for one in chain(error):
        named = _named(one)
        if named:
            code, sentence = named
            return Verdict(Outcome.NETWORK, sentence.format(host=host), code)
    return None


def _named(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "tls", _certificate(error)
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or "TLS failed").replace("_", " ").lower().replace("{", "").replace("}", "")
        return "tls", "TLS with {host} failed: " + reason + "."
    if isinstance(error, socket.gaierror):
        return _RESOLVER.get(error.errno or 0, ("dns", "There is no host {host}."))
    if isinstance(error, OSError) and error.errno is not None:
        return _ERRNO.get(error.errno)
    return None


def _certificate(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == EXPIRED:
        return "Certificate of {host} expired."
    if error.verify_code == NOT_YET:
        return "Certificate of {host} is not valid yet."
    why = (error.verify_message or "unknown").replace("{", "").replace("}", "")
    return "Certificate of {host} is untrusted: " + why + "."


def certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """Return the refusal of a certificate in a chain of errors, if there is one."""
    return next((one for one in chain(error) if isinstance(one, ssl.SSLCertVerificationError)), None)
