"""Recorded responses through the real transport: a real socket, compressed again, in chunks, split at every byte."""

from __future__ import annotations

import asyncio
import collections
import zlib
from dataclasses import replace
from typing import Any

import pytest
from asking import target_at
from recorded import API_OF_WIRE, Case, all_cases, api_outcome

from archfb.providers.exchange import Limits, Question, Reply
from archfb.providers.transport import Transport

CASES = all_cases()
pytestmark = pytest.mark.skipif(not CASES, reason="the recorded provider cases are not here (ARCHFB_SHARED)")
LIMITS = Limits(60.0)
UNUSABLE = {"truncated", "malformed"}
"""What the program may make of an answer that the API gave without complaint."""
DROPPED = ("transfer-encoding", "content-encoding", "content-length", "connection")


class Replayer:
    """A server that replays one recorded response, in one manner, to whoever connects."""

    def __init__(self) -> None:
        self.case: Case = CASES[0]
        self.manner = "whole"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(line.split(b":")[1])
                        for line in head.split(b"\r\n")
                        if line.lower().startswith(b"content-length")
                    ),
                    0,
                )
                await reader.readexactly(length)
                await self.answer(writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        body = self.case.body.encode()
        headers = [f"{name}: {value}" for name, value in self.case.headers.items() if name not in DROPPED]
        if self.manner == "gzip":
            body = zlib.compress(body, wbits=31)
            headers.append("content-encoding: gzip")
        size = 1 if self.manner == "bytes" else 1000
        chunked = self.manner != "whole"
        headers.append("transfer-encoding: chunked" if chunked else f"content-length: {len(body)}")
        writer.write((f"HTTP/1.1 {self.case.status} Whatever\r\n" + "\r\n".join(headers) + "\r\n\r\n").encode())
        if chunked:
            for at in range(0, len(body), size):
                piece = body[at : at + size]
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
            writer.write(b"0\r\n\r\n")
        else:
            writer.write(body)
        await writer.drain()


def replay(cases: list[Case], manner: str) -> list[Reply]:
    async def main() -> list[Reply]:
        replayer, out = Replayer(), []
        replayer.manner = manner
        server = await asyncio.start_server(replayer.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Transport(environ={}) as transport:
            for replayer.case in cases:
                target = target_at(url, API_OF_WIRE[replayer.case.wire], stream=replayer.case.stream)
                out.append(await transport.ask(target, Question("hi"), LIMITS))
        server.close()
        return out

    return asyncio.run(main())


def wrong(case: Case, reply: Reply) -> Any:
    """Return what is wrong with a reply to a recorded case, or None."""
    expected = {case.expect["outcome"], *case.expect.get("also_acceptable", [])}
    if case.expect["outcome"] == "ok":
        usable = case.expect["text_len"] > 0 and reply.outcome == "ok"
        if not (usable or reply.outcome in UNUSABLE):
            return case.id, reply.outcome
        said = reply.text or reply.partial
        if len(said) != case.expect["text_len"] or not said.startswith(case.expect["text_prefix"]):
            return case.id, "text"
        tokens = (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.reasoning_tokens)
        recorded = tuple(case.expect[f"{kind}_tokens"] for kind in ("input", "output", "reasoning"))
        return None if tokens == recorded else (case.id, tokens)
    return None if reply.outcome in expected else (case.id, reply.outcome)


@pytest.mark.parametrize("manner", ["whole", "chunks", "gzip"])
def test_the_table_of_providers_and_outcomes_has_no_wrong_one_over_a_socket(manner: str) -> None:
    replies = replay(CASES, manner)
    table: collections.Counter[tuple[str, str]] = collections.Counter(
        (case.provider, case.expect["outcome"]) for case in CASES
    )
    found = [one for one in map(wrong, CASES, replies) if one is not None]
    assert found == [], f"{len(found)} wrong of {sum(table.values())} in {len(table)} cells"


def test_a_sample_split_at_every_byte_reads_the_same() -> None:
    sample = [case for case in CASES if len(case.body) < 6000][::6]
    assert [one for one in map(wrong, sample, replay(sample, "bytes")) if one is not None] == []


def cut(case: Case, at: int) -> str:
    """Return the outcome of a case whose body ends early."""
    return api_outcome(replace(case, body=case.body[:at])).outcome


def test_answers_cut_off_anywhere_are_never_taken_for_whole() -> None:
    plain = [case for case in CASES if case.expect["outcome"] == "ok" and not case.stream][:40]
    assert {cut(case, len(case.body.rstrip()) // 2) for case in plain} == {"malformed"}


FINISHES = ('"finish_reason":"', '"finish_reason": "', "message_delta", '"finishReason"', "response.completed")


def test_streams_cut_off_before_their_finish_are_malformed() -> None:
    streams = [case for case in CASES if case.stream and case.expect["outcome"] == "ok"]
    ends = [
        (case, min((case.body.find(mark) for mark in FINISHES if mark in case.body), default=0)) for case in streams
    ]
    outcomes = [cut(case, end // 2) for case, end in ends if end > 400]
    assert len(outcomes) > 20
    assert set(outcomes) == {"malformed"}
