"""Independent truth: the providers' own SDKs against the tests' server, archfb against somebody else's server.

    python benchmarks/sdk_truth.py [--only sdks|litellm]

First `openai`, `anthropic` and `google-genai` ask the scripted server plainly, streamed and into errors: they accept
its answers, and raise for each of its errors what they raise for the provider's. Then archfb asks LiteLLM's proxy
over the three protocols that it speaks: a mocked model, and models that it translates from a chat server. Each has an
environment of its own, made on the first run. Exit code 1 where anything differs from what is expected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / part) for part in ("cli", "state", "benchmarks", "tests")]

from peers import python_of, versions  # noqa: E402 - found by the line above
from scripted_server import ServerThread, free_port  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from archfb.providers.exchange import Reply

USAGE = {"input": 11, "output": 7, "reasoning": 3, "cached": 2}
SAYS = {"text": "hello there, world", "thought": "hmm", "usage": USAGE}
MODELS = {
    "good": [SAYS],
    "cut": [{**SAYS, "finish": "length"}],
    "key": [{"status": 401, "message": "bad key"}],
    "gone": [{"status": 404, "message": "no such model"}],
    "slow": [{"status": 429, "message": "slow down", "retry_after": 2}],
    "wrong": [{"status": 400, "message": "bad request"}],
    "down": [{"status": 500, "message": "broken"}],
    "broken": [{"fault": "stream_error", "text": "a b c d e f g h", "status": 529}],
}
LITELLM = """
model_list:
  - {model_name: mocked, litellm_params: {model: openai/m, api_key: k, mock_response: "hello there, world"}}
  - {model_name: good, litellm_params: {model: hosted_vllm/good, api_key: k, api_base: URL/v1}}
  - {model_name: cut, litellm_params: {model: hosted_vllm/cut, api_key: k, api_base: URL/v1}}
  - {model_name: slow, litellm_params: {model: hosted_vllm/slow, api_key: k, api_base: URL/v1}}
  - {model_name: down, litellm_params: {model: hosted_vllm/down, api_key: k, api_base: URL/v1}}
  - {model_name: key, litellm_params: {model: hosted_vllm/key, api_key: k, api_base: URL/v1}}
  - {model_name: wrong, litellm_params: {model: hosted_vllm/wrong, api_key: k, api_base: URL/v1}}
  - {model_name: broken, litellm_params: {model: hosted_vllm/broken, api_key: k, api_base: URL/v1}}
  - {model_name: too-long, litellm_params: {model: openai/m, api_key: k, mock_response: SAY_TOO_LONG}}
  - {model_name: too-fast, litellm_params: {model: openai/m, api_key: k, mock_response: litellm.RateLimitError}}
router_settings: {num_retries: 0, disable_cooldowns: true}
general_settings: {master_key: MASTER}
"""
LOCAL = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS": "True",
    "LITELLM_LOCAL_BLOG_POSTS": "True",
    "LITELLM_TELEMETRY": "False",
    "DO_NOT_TRACK": "1",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "NO_PROXY": "127.0.0.1,localhost",
}
"""What keeps the proxy on this machine: whatever else it would fetch or tell is sent to where nobody listens."""
MASTER = f"sk-{os.urandom(16).hex()}"
PROTOCOLS = {"openai-chat": "/v1", "openai-responses": "/v1", "anthropic": "/v1"}
EXPECTED = {
    "mocked": {"ok"},
    "good": {"ok"},
    "cut": {"truncated"},
    "slow": {"rate_limited"},
    "down": {"server_error"},
    "key": {"auth"},
    "wrong": {"invalid_request"},
    "too-long": {"context_too_long"},
    "too-fast": {"rate_limited"},
    "no-such-model": {"model_not_found"},
    "no-such-key": {"auth"},
}
STREAMED = {"broken": {"overloaded", "server_error", "malformed"}}
"""What the proxy makes of an error inside a stream is its own affair; an answer it must not be."""
MOCKED = ("mocked", "too-long", "too-fast")
NO_MOCKS = ("openai-responses",)
"""LiteLLM makes up neither streamed answers nor errors in this protocol."""


class Row(NamedTuple):
    """One line of the table."""

    who: str
    way: str
    case: str
    got: str
    right: bool


def sdk_rows() -> list[Row]:
    """Run the SDKs in their own environment against the scripted server."""
    with ServerThread({"models": MODELS}) as server:
        command = [python_of("sdks"), str(HERE / "sdk_calls.py"), server.url]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return [Row(*json.loads(line)) for line in ended.stdout.splitlines() if line.startswith("[")]


async def _asked(url: str, protocol: str, model: str, *, stream: bool) -> Reply:
    from archfb.config.model import Model, Provider
    from archfb.providers.exchange import Limits, Question, Target
    from archfb.providers.keys import Key
    from archfb.providers.transport import Transport

    preset = Model(model, "litellm", model, stream=stream)
    provider = Provider("litellm", protocol, url + PROTOCOLS[protocol], "KEY")  # type: ignore[arg-type]
    target = Target(preset, provider, Key("KEY", "sk-nobody" if model == "no-such-key" else MASTER))
    async with Transport(environ={}) as transport:
        return await transport.ask(target, Question("hi"), Limits(60.0))


def litellm_config(url: str) -> str:
    """Return the proxy's configuration with a server's address and a key in it."""
    filled = LITELLM.replace("SAY_TOO_LONG", "litellm.ContextWindowExceededError")
    return filled.replace("URL", url).replace("MASTER", MASTER)


def litellm_rows() -> list[Row]:
    """Run LiteLLM's proxy in its own environment and ask it over three protocols."""
    with tempfile.TemporaryDirectory() as folder, ServerThread({"models": MODELS}) as upstream:
        port = free_port()
        (Path(folder) / "c.yaml").write_text(litellm_config(upstream.url))
        program = Path(python_of("litellm")).with_name("litellm")
        command = [str(program), "--config", f"{folder}/c.yaml", "--port", str(port), "--host", "127.0.0.1"]
        environ = {"HOME": folder, "PATH": os.environ.get("PATH", ""), **LOCAL}
        with Path(folder, "log").open("w") as log:
            proxy = subprocess.Popen(command, cwd=folder, env=environ, stdout=log, stderr=log)
        try:
            if not _up(f"http://127.0.0.1:{port}/health/liveliness", proxy):
                raise RuntimeError(Path(folder, "log").read_text()[-3000:])
            return asyncio.run(_over_each(f"http://127.0.0.1:{port}"))
        finally:
            proxy.terminate()
            proxy.wait(20)


async def _over_each(url: str) -> list[Row]:
    rows = []
    for protocol in PROTOCOLS:
        for stream in (False, True):
            for model, expected in {**EXPECTED, **(STREAMED if stream else {})}.items():
                if not (model in MOCKED and protocol in NO_MOCKS):
                    reply = await _asked(url, protocol, model, stream=stream)
                    rows.append(_row(protocol, "streamed" if stream else "plain", model, reply, expected))
    return rows


def _up(url: str, process: subprocess.Popen[bytes]) -> bool:
    until = time.monotonic() + 180
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    return False


def _row(protocol: str, way: str, case: str, reply: Reply, expected: set[str]) -> Row:
    use = reply.usage
    told = f"{reply.outcome} {reply.text!r} {reply.finish_reason} {use.input_tokens}/{use.output_tokens}"
    if not reply.ok:
        told = f"{reply.outcome} (HTTP {reply.http_status}, {reply.code}): {(reply.message or '')[:60]}"
    right = str(reply.outcome) in expected and (not reply.ok or reply.text == "hello there, world")
    return Row(f"archfb {protocol}", way, case, told, right)


def show(title: str, rows: list[Row]) -> bool:
    """Print a table; return whether everything is right."""
    print(f"\n{title}\n")
    print("| who | way | case | outcome | as expected |\n|---|---|---|---|---|")
    for row in rows:
        right = "yes" if row.right else "**no**"
        print(f"| {row.who} | {row.way} | {row.case} | {row.got.replace('|', '/')} | {right} |")
    wrong = sum(not row.right for row in rows)
    print(f"\n{len(rows)} cases, {wrong} not as expected")
    return wrong == 0


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=["sdks", "litellm"])
    only = parser.parse_args().only
    parts: dict[str, tuple[tuple[str, ...], str, Callable[[], list[Row]]]] = {
        "sdks": (("openai", "anthropic", "google-genai"), "SDKs against the scripted server", sdk_rows),
        "litellm": (("litellm",), "archfb against LiteLLM's proxy", litellm_rows),
    }
    chosen = {name: part for name, part in parts.items() if only in (None, name)}
    good = [
        show(f"{title}: {versions(python_of(name), *packages)}", rows())
        for name, (packages, title, rows) in chosen.items()
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
