"""How an alert leaves: three tries of five seconds, signed, redirected nowhere; a command without a shell."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from scripted_server import ScriptedServer, ServerThread, refused_port

from archfb.alerts.send import Post, run, signature, within

BODY = b'{"schema": 1}'


def post(environ: dict[str, str] | None = None, *, timeout: float = 2.0) -> tuple[Post, list[float]]:
    """Return a sender that notes its pauses instead of making them."""
    pauses: list[float] = []
    return Post(environ or {}, timeout, pauses.append), pauses


def hooks(*behaviours: dict[str, Any]) -> ServerThread:
    return ServerThread({"paths": {"/hook": list(behaviours)}})


def hook(server: ScriptedServer) -> str:
    return f"{server.url}/hook"


def test_a_document_is_posted_once_with_its_signature() -> None:
    with hooks({}) as server:
        assert post()[0].webhook(hook(server), BODY, "s3cret") is None
        (request,) = server.requests
    assert request["method"] == "POST"
    assert request["body"] == {"schema": 1}
    headers = {name.lower(): value for name, value in request["headers"].items()}
    expected = "sha256=" + hmac.new(b"s3cret", BODY, hashlib.sha256).hexdigest()
    assert headers["x-archfb-signature"] == expected == signature(BODY, "s3cret")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("archfb/")


def test_without_a_secret_nothing_is_signed() -> None:
    with hooks({}) as server:
        assert post()[0].webhook(hook(server), BODY) is None
        assert "x-archfb-signature" not in {name.lower() for name in server.requests[0]["headers"]}


def test_row_91_a_webhook_that_fails_is_tried_three_times_with_one_number() -> None:
    sender, pauses = post()
    with hooks({"status": 500}) as server:
        assert sender.webhook(hook(server), BODY) == "answered 500, 3 tries"
        numbers = {request["headers"].get("X-Archfb-Delivery", request["headers"].get("x-archfb-delivery"))
                   for request in server.requests}  # fmt: skip
        assert (len(server.requests), len(numbers), pauses) == (3, 1, [0.5, 1.0])


def test_a_second_try_may_succeed() -> None:
    with hooks({"status": 503}, {}) as server:
        assert post()[0].webhook(hook(server), BODY) is None
        assert len(server.requests) == 2


def test_a_redirect_is_not_followed() -> None:
    with hooks({"fault": "redirect", "to": "/elsewhere"}) as server:
        why = post()[0].webhook(hook(server), BODY)
        assert why == "answered 302 (redirects are not followed), 3 tries"
        assert {request["path"] for request in server.requests} == {"/hook"}


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_row_91_a_webhook_that_is_slow_is_left_in_time(fault: str) -> None:
    sender, _ = post(timeout=0.2)
    with hooks({"fault": fault, "every": 0.05}) as server:
        began = time.monotonic()
        why = sender.webhook(hook(server), BODY)
        assert time.monotonic() - began < 3
        assert why is None if fault == "drip" else why == "no answer within 0.2 s, 3 tries"


def test_row_91_a_head_that_drips_is_left_in_time() -> None:
    stop = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.send(b"HTTP/1.1 200 OK\r\nx: ")
            while not stop.wait(0.02):
                connection.send(b"x")

    def accept() -> None:
        for _ in range(3):
            threading.Thread(target=drip, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        assert post(timeout=0.2)[0].webhook(url, BODY) == "no answer within 0.2 s, 3 tries"
        stop.set()


def test_row_91_a_webhook_that_is_down_says_so() -> None:
    why = post()[0].webhook(f"http://127.0.0.1:{refused_port()}/", BODY)
    assert why is not None
    assert why.endswith("refused the connection, 3 tries")


def test_an_answer_that_is_no_http_fails() -> None:
    with hooks({"fault": "close"}) as server:
        why = post()[0].webhook(hook(server), BODY)
        assert why is not None
        assert why.endswith(", 3 tries")


def test_a_proxy_of_the_environment_is_used_and_no_proxy_respected() -> None:
    with ServerThread({"paths": {"http://hook.test/x": [{}], "/x": [{}]}}) as server:
        environ = {"http_proxy": server.url}
        post(environ)[0].ping("http://hook.test/x")
        assert all(request["headers"].get("host", "hook.test") == "hook.test" for request in server.requests)
        count = len(server.requests)
        assert post({**environ, "no_proxy": "127.0.0.1"})[0].ping(f"{server.url}/x") is None
        assert len(server.requests) == count + 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate for 127.0.0.1 that signed itself, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "30"]
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
    try:
        subprocess.run(
            ["openssl", "req", "-x509", *new, "-out", "cert.pem", *name], cwd=folder, check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"openssl cannot make a certificate here: {error}")
    return folder


def test_a_certificate_nobody_vouches_for_is_refused_and_one_that_is_named_is_trusted(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    with ServerThread({"paths": {"/hook": [{}]}}, tls=context) as server:
        url = hook(server)
        assert url.startswith("https://")
        why = post()[0].webhook(url, BODY) or ""
        assert "certificate" in why.lower()
        assert not server.requests
        assert post({"SSL_CERT_FILE": f"{certificate}/cert.pem"})[0].webhook(url, BODY) is None
        why = post({"SSL_CERT_FILE": "/gone.pem"})[0].webhook(url, BODY) or ""
        assert why.startswith("SSL_CERT_FILE '/gone.pem' cannot be used")


def test_a_ping_is_a_get_without_a_body() -> None:
    with hooks({}) as server:
        assert post()[0].ping(hook(server)) is None
        assert [request["method"] for request in server.requests] == ["GET"]


def test_a_bug_in_the_work_is_a_failure_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise ZeroDivisionError("oh")

    with pytest.raises(Exception, match="ZeroDivisionError: oh"):
        within(1.0, broken)
    assert capsys.readouterr().err == ""


def reader(path: Path) -> list[str]:
    """Return a command that keeps what it is given."""
    given = "[sys.stdin.read(), dict(os.environ), sys.argv]"
    text = f"import os, sys, json; json.dump({given}, open({str(path)!r}, 'w'))"
    return [sys.executable, "-c", text, "; echo $HOME"]


def test_a_command_gets_the_document_and_no_shell(tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    assert run(reader(kept), BODY, {"A": "b"}) is None
    text, environ, argv = json.loads(kept.read_text())
    assert (text, argv[-1], environ["A"]) == (BODY.decode(), "; echo $HOME", "b")
    assert "HOME" not in environ


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ([sys.executable, "-c", "raise SystemExit(3)"], "ended with exit code 3"),
        (["/gone/away"], "cannot be run: No such file or directory"),
        ([sys.executable, "-c", "import os; os.close(0)"], None),
        ([sys.executable, "-c", "print('x' * 10**6)"], None),
    ],
)
def test_how_a_command_may_end(command: list[str], why: str | None) -> None:
    assert run(command, BODY * 100_000, dict(os.environ)) == why


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    kept = tmp_path / "pid"
    start = "import subprocess; child = subprocess.Popen(['sleep', '60'])"
    script = f"{start}; open({str(kept)!r}, 'w').write(str(child.pid)); child.wait()"
    assert run([sys.executable, "-c", script], BODY, dict(os.environ), 1.0) == "did not end within 1 s"
    pid = int(kept.read_text())
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError("the child lives on")
