"""What libpq and the server say, in sentences that say what to do."""

from __future__ import annotations

import pytest

from archfb_state.storage.postgres_failures import Away, Missing, ReadOnly, failure

AT = 'connection failed: connection to server at "127.0.0.1", port 5432 failed: '
URL = "postgresql://archfb@one,two/state?password_file=x"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("SSL error: certificate verify failed", "{} has a certificate that sslrootcert does not vouch for"),
        (
            'server certificate for "db" (and 1 other name) does not match host name "127.0.0.1"',
            "{} has a certificate of another host",
        ),
        (
            'root certificate file "/none.crt" does not exist',
            "{} cannot be verified: there is no file of sslrootcert",
        ),
        ("server does not support SSL, but SSL was required", "{} does not speak TLS, which sslmode asks for"),
        (f"Connection refused\n{AT}session is read-only", "No server of {} can be written to"),
        (f"Connection refused\n{AT}server is in hot standby mode", "No server of {} can be written to"),
        (f"Connection refused\n{AT}timeout expired", "{} refuses connections; is it running"),
        ("timeout expired", "{} does not answer"),
        ("FATAL:  sorry, too many clients already", "{} has too many connections"),
        ("FATAL:  the database system is starting up", "{} is starting or stopping"),
        ("no pg_hba.conf entry for host", "{} lets this user not in; see its pg_hba.conf"),
        ("fe_sendauth: no password supplied", "{} refuses the password; see PGPASSFILE, PGPASSWORD"),
        ("something new", f"{{}} went away ({AT}something new)"),
    ],
)
def test_no_session_is_explained(said: str, sentence: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    found = failure(URL, psycopg.OperationalError(AT + said))
    assert type(found) is Away
    assert str(found) == sentence.format("PostgreSQL at one,two/state")


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("DiskFull", ReadOnly, "The disk of {} is full"),
        ("ReadOnlySqlTransaction", ReadOnly, "{} is read-only"),
        ("UndefinedTable", Missing, "{} holds no state yet"),
        ("QueryCanceled", Away, "{} is too slow"),
        ("AdminShutdown", Away, "{} went away (x)"),
        ("OutOfMemory", Away, "{} failed (53200: x)"),
    ],
)
def test_what_the_server_refuses_is_explained(name: str, kind: type[Away], sentence: str) -> None:
    psycopg = pytest.importorskip("psycopg")
    found = failure(URL, getattr(psycopg.errors, name)("x"))
    assert type(found) is kind
    assert str(found) == sentence.format("PostgreSQL at one,two/state")
