"""What went wrong with a database, in one sentence that says what to do; no password stands in any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from archfb_state.store import StoreBusy, StoreUnusable

if TYPE_CHECKING:
    import psycopg

_SECRET = ("password", "sslpassword")

_BY_STATE = {
    "28P01": "{at} refuses the password; see PGPASSFILE, PGPASSWORD",
    "28000": "{at} lets this user not in; see its pg_hba.conf",
    "3D000": "{at} has no such database; create it with createdb",
    "42501": "{at} does not give this user the rights it needs ({first})",
    "25P03": "{at} ended a transaction that stood still",
    "25006": "{at} is read-only",
    "53100": "The disk of {at} is full",
    "53300": "{at} has too many connections",
    "57014": "{at} is too slow",
    "57P03": "{at} is starting or stopping",
}
_BY_WORDS = (
    ("password authentication failed", "28P01"),
    ("no password supplied", "28P01"),
    ("no pg_hba.conf entry", "28000"),
    ("too many clients", "53300"),
    ("too many connections", "53300"),
    ("remaining connection slots", "53300"),
    ("starting up", "57P03"),
    ("shutting down", "57P03"),
    ("in recovery mode", "57P03"),
)

_ON_THE_WAY = (
    ("session is read-only", "No server of {at} can be written to"),
    ("server is in hot standby mode", "No server of {at} can be written to"),
    ("certificate verify failed", "{at} has a certificate that sslrootcert does not vouch for"),
    ("does not match host name", "{at} has a certificate of another host"),
    ("root certificate file", "{at} cannot be verified: there is no file of sslrootcert"),
    ("server does not support SSL", "{at} does not speak TLS, which sslmode asks for"),
    ("Connection refused", "{at} refuses connections; is it running"),
    ("No such file or directory", "{at} refuses connections; is it running"),
    ("timeout expired", "{at} does not answer"),
    ("timed out", "{at} does not answer"),
    ("could not translate host name", "The host of {at} is not known"),
    ("failed to resolve host", "The host of {at} is not known"),
)
"""What libpq says where it got no session, with several servers of each; the first that is met counts."""


class Away(StoreBusy):
    """The database cannot be used at the moment; the argument says why, in a sentence without its full stop."""


class ReadOnly(Away):
    """The database can be read but not written."""


class Missing(Away):
    """The database holds no state yet, or one of an older version."""


def shown(url: str) -> str:
    """Return where a database is, for a message: without user, password and options."""
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    host = parts.netloc.rpartition("@")[2] or options.get("host", "") or "the local socket"
    name = parts.path.lstrip("/") or options.get("dbname", "")
    return f"PostgreSQL at {host}{'/' if name else ''}{name}"


def refuse_password(url: str) -> None:
    """Raise StoreUnusable where a URL holds a password: it would stand in lists of processes, files and logs."""
    try:
        parts = urlsplit(url)
        secret = parts.password is not None or any(name.lower() in _SECRET for name, _ in parse_qsl(parts.query))
    except ValueError:
        raise StoreUnusable("The database's URL cannot be read; write postgresql://user@host/name.") from None
    if secret:
        raise StoreUnusable(
            f"The URL of {shown(url)} holds a password. Take it out: "
            "use ~/.pgpass (PGPASSFILE), PGPASSWORD or a service file (PGSERVICEFILE)."
        )


def failure(url: str, error: psycopg.Error) -> Exception:
    """Return what to raise for an error of the server or of the way to it."""
    at, state, text = shown(url), error.sqlstate or "", str(error).strip()
    first = text.splitlines()[0] if text else type(error).__name__
    state = state or next((code for words, code in _BY_WORDS if words in text), "")
    if not state and 'database "' in text and "does not exist" in text:
        state = "3D000"
    if state == "55P03":
        return StoreBusy(f"State is held by another program at {at}")
    if state in ("42P01", "3F000"):
        return Missing(f"{at} holds no state yet")
    if state in _BY_STATE:
        kind = ReadOnly if state in ("25006", "53100") else Away
        return kind(_BY_STATE[state].format(at=at, first=first))
    return Away(_without_code(at, text, first, state))


def _without_code(at: str, text: str, first: str, state: str) -> str:
    for words, sentence in _ON_THE_WAY:
        if words in text:
            return sentence.format(at=at)
    if state[:2] in ("08", "57") or not state:
        return f"{at} went away ({first})"
    return f"{at} failed ({state}: {first})"
