"""Streams are read the same wherever the bytes are cut."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archfb.providers.sse import BodyParser, Event, NotJson


def read(data: bytes, size: int = 0, parser: BodyParser | None = None) -> list[Event]:
    parser = parser or BodyParser()
    size = size or len(data) or 1
    out = [event for at in range(0, len(data), size) for event in parser.feed(data[at : at + size])]
    return out + parser.finish()


STREAMS: list[tuple[str, bytes, list[Event]]] = [
    ("one event", b'data: {"a": 1}\n\n', [Event(None, {"a": 1})]),
    ("no space after the colon", b'data:{"a": 1}\n\n', [Event(None, {"a": 1})]),
    ("CRLF", b'event: x\r\ndata: {"a": 1}\r\n\r\n', [Event("x", {"a": 1})]),
    ("CR alone", b'event: x\rdata: {"a": 1}\r\r', [Event("x", {"a": 1})]),
    (
        "comments and blank lines first",
        b': OPENROUTER PROCESSING\n\n\n: more\n\ndata: {"a": 1}\n\n',
        [Event(None, {"a": 1})],
    ),
    ("several data lines are one event", b'data: {"a":\ndata: 1}\n\n', [Event(None, {"a": 1})]),
    (
        "no blank lines at all",
        b'data: {"a": 1}\ndata: {"b": 2}\ndata: [DONE]\n',
        [Event(None, {"a": 1}), Event(None, {"b": 2}), Event(None, None, True)],
    ),
    (
        "an error as a field of its own",
        b'data: {"a": 1}\n\nerror: {"message": "m"}\n\n',
        [Event(None, {"a": 1}), Event("error", {"message": "m"})],
    ),
    (
        "whatever comes after the end",
        b'data: [DONE]\n\n{"error": 1}\n<html>\ndata: {"a": 1}\n\n',
        [Event(None, None, True)],
    ),
    (
        "an error on a line of its own",
        b'data: {"a": 1}\n\n{"error": {"message": "m"}}\n',
        [Event(None, {"a": 1}), Event("error", {"error": {"message": "m"}})],
    ),
    ("the last blank line is missing", b'data: {"a": 1}', [Event(None, {"a": 1})]),
    ("a done marker", b'data: {"a": 1}\n\ndata: [DONE]\n\n', [Event(None, {"a": 1}), Event(None, None, True)]),
    ("empty data", b'data: \n\ndata: {"a": 1}\n\n', [Event(None, {"a": 1})]),
    ("id and retry lines", b'id: 7\nretry: 10\ndata: {"a": 1}\n\n', [Event(None, {"a": 1})]),
    ("an event name without data is no event", b'event: ping\n\ndata: {"a": 1}\n\n', [Event(None, {"a": 1})]),
    ("white space and a BOM", b' \n\xef\xbb\xbfdata: {"a": 1}\n\n', [Event(None, {"a": 1})]),
    (
        "an array that grows",
        b'[{"a": "]}\\""}\n,\r\n{"b": [1, {"c": 2}]}\n]\n',
        [Event(None, {"a": ']}"'}), Event(None, {"b": [1, {"c": 2}]})],
    ),
    ("an empty array", b"[]", []),
    ("a document", b' \n {"a": [1, 2]} \n', [Event(None, {"a": [1, 2]})]),
    ("a document after a BOM", b'\xef\xbb\xbf{"a": 1}', [Event(None, {"a": 1})]),
    ("nothing", b"", []),
    ("white space only", b" \n\n ", []),
]


@pytest.mark.parametrize(("name", "data", "events"), STREAMS, ids=[row[0] for row in STREAMS])
def test_what_is_read_does_not_depend_on_where_the_bytes_are_cut(name: str, data: bytes, events: list[Event]) -> None:
    for size in range(len(data) + 1):
        assert read(data, size) == events


@pytest.mark.parametrize(
    "data",
    [b'{"a": ', b'data: {"a": \n\n', b'[{"a": 1}, {"b"', b"data: <html>\n\n", b'[{"a": nope}]', b"{" * 100_000],
)
def test_what_is_cut_off_or_no_json_says_so(data: bytes) -> None:
    with pytest.raises(NotJson):
        read(data)


@pytest.mark.parametrize("end", [b"data: {nonsense\n\n", b'{"no": "event"}\n', b'{"error": \n'])
def test_what_came_before_a_broken_event_is_not_lost(end: bytes) -> None:
    data = b'data: {"a": 1}\n\n' + end
    for size in range(1, len(data) + 1):
        out: list[Event] = []
        with pytest.raises(NotJson):
            _collect(data, size, out)
        assert out == [Event(None, {"a": 1})]


def _collect(data: bytes, size: int, out: list[Event]) -> None:
    parser = BodyParser()
    for at in range(0, len(data), size):
        out += parser.feed(data[at : at + size])
    out += parser.finish()


def test_plain_text_and_pages_are_kept_for_the_message() -> None:
    parser = BodyParser()
    assert read(b"<html><title>502</title>", 3, parser) == []
    assert parser.text == b"<html><title>502</title>"
    parser = BodyParser()
    assert read(b"data", 1, parser) == []
    assert parser.text == b"data"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
objects = st.lists(st.dictionaries(st.text(), json_values), max_size=6)


@given(
    objects,
    st.lists(st.integers(1, 40), max_size=50),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from(["", ": hi"]),
)
def test_any_objects_survive_any_cuts_as_events(bodies: list[Any], cuts: list[int], end: str, comment: str) -> None:
    lines = "".join(f"{comment}{end}data: {json.dumps(body)}{end}{end}" for body in bodies)
    assert [event.body for event in _cut(("data:" + end + lines).encode(), cuts)] == bodies


@given(objects, st.lists(st.integers(1, 40), max_size=50), st.sampled_from([None, 1]))
def test_any_objects_survive_any_cuts_as_an_array(bodies: list[Any], cuts: list[int], indent: int | None) -> None:
    assert [event.body for event in _cut(json.dumps(bodies, indent=indent).encode(), cuts)] == bodies


def _cut(data: bytes, cuts: list[int]) -> list[Event]:
    parser, out = BodyParser(), []
    for size in cuts:
        out += parser.feed(data[:size])
        data = data[size:]
    return out + parser.feed(data) + parser.finish()


@given(st.binary(max_size=300), st.integers(1, 20))
def test_no_bytes_raise_anything_but_not_json(data: bytes, size: int) -> None:
    with contextlib.suppress(NotJson):
        read(data, size)
