"""What happened: attempts, changes of status, decisions; and their sums, by hour and since the beginning."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb_state.core.latest import Latest
from archfb_state.decisions import Decision, Ranked
from archfb_state.storage.rows import ATTEMPTS, TRANSITIONS, clean_text, compact
from archfb_state.storage.schema import HISTOGRAM, TOTALS
from archfb_state.store import BUCKETS, KEEP_SUMS, Counter, StoredDecision

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archfb_state.records import Attempt, Transition

FOLD_EVERY = 256
"""Attempts after which whoever records one adds them to the sums; so many at most are summed when read."""

FOLD_AT_MOST = 4096
PRUNE_STEP = 500

INSERT_ATTEMPT = f"{ATTEMPTS.insert} ON CONFLICT (id) DO NOTHING"

_PHASE = "CASE WHEN kind = 'call' THEN phase ELSE 'probe' END"
_HOUR = "CAST(started_at / 3600 AS INTEGER) * 3600.0"
_PAGE = 1000


def _bucket_sums() -> list[str]:
    bounds = [bound * 1000 for bound in BUCKETS]
    first = f"latency_ms <= {bounds[0]}"
    middle = [f"latency_ms > {low} AND latency_ms <= {high}" for low, high in pairwise(bounds)]
    return [f"COUNT(*) FILTER (WHERE {one})" for one in (first, *middle, f"latency_ms > {bounds[-1]}")]


_SUMS = ", ".join(
    [
        "COUNT(*)",
        "TOTAL(latency_ms) / 1000",
        *_bucket_sums(),
        "TOTAL(input_tokens)",
        "TOTAL(output_tokens)",
        "TOTAL(reasoning_tokens)",
        "TOTAL(cached_tokens)",
        "TOTAL(cost_usd)",
    ]
)
_NAMES = ", ".join(TOTALS)
_MARKS = ", ".join("?" * len(TOTALS))


def _add(table: str) -> str:
    return ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in TOTALS)


_SPAN = "FROM attempts WHERE seq > ? AND seq <= ?"
_KEY = f"{_PHASE}, model, outcome"

_SPAN_HOURS = f"SELECT {_HOUR}, {_KEY}, {_SUMS} {_SPAN} GROUP BY 1, 2, 3, 4"
_ADD_HOUR = (
    f"INSERT INTO rollups (hour, phase, model, outcome, {_NAMES}) VALUES (?, ?, ?, ?, {_MARKS}) "  # noqa: S608
    f"ON CONFLICT (hour, phase, model, outcome) DO UPDATE SET {_add('rollups')}"
)
_ADD_TOTAL = (
    f"INSERT INTO totals (phase, model, outcome, {_NAMES}) VALUES (?, ?, ?, {_MARKS}) "  # noqa: S608
    f"ON CONFLICT (phase, model, outcome) DO UPDATE SET {_add('totals')}"
)
_FOLD_HANDOVERS = (
    "INSERT INTO handovers (phase, from_model, to_model, count) "
    f"SELECT {_PHASE}, fallback_from, model, COUNT(*) {_SPAN} AND fallback_from IS NOT NULL GROUP BY 1, 2, 3 "
    "ON CONFLICT (phase, from_model, to_model) DO UPDATE SET count = handovers.count + excluded.count"
)
_TAIL = f"SELECT {_KEY}, {_SUMS} FROM attempts WHERE seq > ? GROUP BY 1, 2, 3"  # noqa: S608
_TAIL_HOURS = f"SELECT {_HOUR}, {_KEY}, {_SUMS} FROM attempts WHERE seq > ? GROUP BY 1, 2, 3, 4"  # noqa: S608
_TAIL_HANDOVERS = (
    f"SELECT {_PHASE}, fallback_from, model, COUNT(*) FROM attempts "  # noqa: S608
    "WHERE seq > ? AND fallback_from IS NOT NULL GROUP BY 1, 2, 3"
)
_TOTALS = f"SELECT phase, model, outcome, {_NAMES} FROM totals"  # noqa: S608
_ROLLUPS = f"SELECT hour, phase, model, outcome, {_NAMES} FROM rollups WHERE hour >= ? AND typeof(hour) = 'real'"  # noqa: S608
_FOLDED = "SELECT value FROM meta WHERE name = 'folded'"
_NEWEST_SEQ = "SELECT COALESCE(MAX(seq), 0) FROM attempts"
_SET_FOLDED = (
    "INSERT INTO meta (name, value) VALUES ('folded', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
)


def append(connection: sqlite3.Connection, attempt: Attempt) -> Attempt | None:
    """Append an attempt and return it as it is stored; None where its id was there already."""
    kept, row = ATTEMPTS.bound(attempt)
    cursor = connection.execute(INSERT_ATTEMPT, row)
    if cursor.rowcount != 1:
        return None
    seq = cursor.lastrowid or 0
    if seq % FOLD_EVERY == 0:
        fold(connection, seq)
    elif seq % FOLD_EVERY == 1 and folded(connection) >= seq:  # rows were deleted by hand, numbers are given anew
        connection.execute(_SET_FOLDED, (str(seq - 1),))
    return kept


def folded(connection: sqlite3.Connection) -> int:
    """Return the last attempt (its `seq`) that is in the sums."""
    row = connection.execute(_FOLDED).fetchone()
    try:
        return int(row[0]) if row else 0
    except ValueError:  # edited by hand: the last one after which they are added
        return int(connection.execute(_NEWEST_SEQ).fetchone()[0]) // FOLD_EVERY * FOLD_EVERY


def fold(connection: sqlite3.Connection, newest: int) -> int:
    """Add attempts up to `newest` to the sums, a bounded number at once; return the last one added."""
    since = folded(connection)
    until = min(newest, since + FOLD_AT_MOST)
    rows = connection.execute(_SPAN_HOURS, (since, until)).fetchall()
    connection.executemany(_ADD_HOUR, rows)
    connection.executemany(_ADD_TOTAL, [row[1:] for row in rows])
    connection.execute(_FOLD_HANDOVERS, (since, until))
    connection.execute(_SET_FOLDED, (str(until),))
    return until


def _counter(row: tuple[Any, ...]) -> Counter:
    phase, model, outcome, count, seconds = row[:5]
    buckets = row[5 : 5 + len(HISTOGRAM)]
    into, out, thought, cached, cost = row[5 + len(HISTOGRAM) :]
    return Counter(
        str(phase),
        str(model),
        str(outcome),
        int(count),
        float(seconds),
        tuple(map(int, buckets)),
        int(into),
        int(out),
        int(thought),
        int(cached),
        float(cost),
    )


def _finite(value: Any) -> bool:
    return type(value) in (int, float) and value - value == 0


def _merged(rows: Iterable[tuple[Any, ...]], key: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    sums: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        before = sums.get(row[:key])
        after = tuple(one if _finite(one) else 0 for one in row[key:])
        sums[row[:key]] = after if before is None else tuple(a + b for a, b in zip(before, after, strict=True))
    return sums


def _texts(item: tuple[tuple[Any, ...], Any]) -> tuple[str, ...]:
    return tuple(map(str, item[0]))


def _hour_and_texts(item: tuple[tuple[Any, ...], Any]) -> tuple[float, tuple[str, ...]]:
    return float(item[0][0]), tuple(map(str, item[0][1:]))


def counters(connection: sqlite3.Connection) -> list[Counter]:
    """Return the totals, the newest attempts included."""
    rows = [*connection.execute(_TOTALS), *connection.execute(_TAIL, (folded(connection),))]
    return [_counter(key + sums) for key, sums in sorted(_merged(rows, 3).items(), key=_texts)]


def hours(connection: sqlite3.Connection, since: float, model: str | None) -> list[tuple[float, Counter]]:
    """Return the hourly totals from the hour of `since` on."""
    first = since // 3600 * 3600
    rows = [*connection.execute(_ROLLUPS, (first,)), *connection.execute(_TAIL_HOURS, (folded(connection),))]
    merged = _merged((row for row in rows if _finite(row[0])), 4)
    return [
        (float(key[0]), _counter(key[1:] + sums))
        for key, sums in sorted(merged.items(), key=_hour_and_texts)
        if key[0] >= first and model in (None, key[2])
    ]


def fallbacks(connection: sqlite3.Connection) -> dict[tuple[str, str, str], int]:
    """Return the hand-overs by (phase, from, to)."""
    stored = connection.execute("SELECT phase, from_model, to_model, count FROM handovers")
    tail = connection.execute(_TAIL_HANDOVERS, (folded(connection),))
    merged = sorted(_merged([*stored, *tail], 3).items(), key=_texts)
    return {(str(phase), str(start), str(end)): int(count) for (phase, start, end), (count,) in merged}


def _where(since: float, model: str | None, run_id: str | None) -> tuple[str, list[Any]]:
    conditions, values = ["started_at >= ?"], [since]
    named: list[Any] = list(values)
    for column, value in (("model", model), ("run_id", run_id)):
        if value is not None:
            conditions.append(f"{column} = ?")
            named.append(clean_text(value))
    return " AND ".join(conditions), named


def newest_attempts(
    connection: sqlite3.Connection, since: float, model: str | None, run_id: str | None, limit: int
) -> list[Attempt]:
    """Return the newest `limit` attempts, oldest first."""
    where, values = _where(since, model, run_id)
    sql = f"{ATTEMPTS.select} WHERE {where} ORDER BY started_at DESC, seq DESC LIMIT ?"
    rows = connection.execute(sql, (*values, max(0, limit))).fetchall()
    return [one for one in map(ATTEMPTS.from_row, reversed(rows)) if one is not None]


def attempt_pages(
    read: Callable[[str, list[Any]], list[tuple[Any, ...]]], since: float, model: str | None, run_id: str | None
) -> Iterator[Attempt]:
    """Yield attempts, oldest first, a page a transaction, so that reading long never holds up a checkpoint."""
    where, values = _where(since, model, run_id)
    sql = (
        f"SELECT seq, {ATTEMPTS.list} FROM attempts WHERE {where} AND (started_at, seq) > (?, ?) "  # noqa: S608
        f"ORDER BY started_at, seq LIMIT {_PAGE}"
    )
    after: list[Any] = [since, -1]
    started = ATTEMPTS.columns.index("started_at") + 1
    while rows := read(sql, [*values, *after]):
        yield from (one for row in rows if (one := ATTEMPTS.from_row(row[1:])) is not None)
        after = [rows[-1][started], rows[-1][0]]


def transitions(
    connection: sqlite3.Connection, since: float, model: str | None, limit: int | None
) -> list[Transition]:
    """Return changes of status, oldest first (the newest `limit`)."""
    where, values = ("", [since]) if model is None else (" AND model = ?2", [since, clean_text(model)])
    at_most = "" if limit is None else f" LIMIT {max(0, limit):d}"
    sql = f"{TRANSITIONS.select} WHERE at >= ?1{where} ORDER BY at DESC, seq DESC{at_most}"
    rows = connection.execute(sql, values)
    return [one for one in map(TRANSITIONS.from_row, reversed(rows.fetchall())) if one is not None]


_SAVE_DECISION = (
    "INSERT INTO decisions (at, call_id, run_id, phase, complexity, strategy, first_model, candidates, terms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


_DECIDED = (
    "SELECT 1 FROM (SELECT call_id FROM decisions ORDER BY seq DESC LIMIT 10000) AS latest WHERE call_id = ? LIMIT 1"
)


class _Written(NamedTuple):
    """A place in a decision as JSON, and that of its terms."""

    ranked: Ranked
    text: str
    terms: str


_written: Latest[_Written] = Latest()
"""Each model's last place in a decision: most are in the next one as they were, or with the same terms."""

_terms: Latest[tuple[Mapping[str, float], str]] = Latest()
"""The terms of each phase's last complexity, as JSON."""


def _ranked_out(one: Ranked) -> str:
    last = _written.get(one.model)
    if last is None or last.ranked is not one:
        terms = last.terms if last is not None and last.ranked.terms is one.terms else compact(dict(one.terms))
        last = _written.keep(one.model, _Written(one, _as_json(one, terms), terms))
    return last.text


def _as_json(one: Ranked, terms: str) -> str:
    """Return what the encoder would write, at a third of its cost."""
    return (
        f'{{"model":{compact(one.model)},"status":"{one.status}","score":{_number(one.score)},'
        f'"eligible":{"true" if one.eligible else "false"},"why":{compact(one.why)},"terms":{terms},'
        f'"retry_at":{_number(one.retry_at)},"group":{one.group},'
        f'"lease":{"null" if one.lease is None else compact(one.lease)},"lease_s":{_number(one.lease_s)}}}'
    )


def _number(value: float | None) -> str:
    return "null" if value is None or value - value != 0 else repr(value)


def _terms_out(phase: str, terms: Mapping[str, float]) -> str:
    last = _terms.get(phase)
    if last is None or last[0] is not terms:
        last = _terms.keep(phase, (terms, compact(dict(terms))))
    return last[1]


def save_decision(
    connection: sqlite3.Connection, at: float, call_id: str, run_id: str | None, decision: Decision, first: str | None
) -> None:
    """Append a decision with all its candidates."""
    connection.execute(
        _SAVE_DECISION,
        (
            at,
            call_id,
            None if run_id is None else clean_text(run_id),
            clean_text(decision.phase),
            decision.complexity,
            decision.strategy,
            None if first is None else clean_text(first),
            f"[{','.join(map(_ranked_out, decision.ranked))}]",
            _terms_out(decision.phase, decision.terms),
        ),
    )


def has_decided(connection: sqlite3.Connection, call_id: str) -> bool:
    """Say whether a call's decision is there."""
    return connection.execute(_DECIDED, (clean_text(call_id),)).fetchone() is not None


def decisions(connection: sqlite3.Connection, run_id: str) -> list[StoredDecision]:
    """Return a run's decisions in order; one that cannot be read is left out."""
    rows = connection.execute(
        "SELECT at, call_id, run_id, phase, complexity, strategy, candidates, terms FROM decisions "
        "WHERE run_id = ? ORDER BY seq",
        (clean_text(run_id),),
    )
    return [one for one in map(_stored_decision, rows) if one is not None]


def _stored_decision(row: tuple[Any, ...]) -> StoredDecision | None:
    at, call_id, run_id, phase, complexity, strategy, candidates, terms = row
    try:
        ranked = tuple(Ranked(**one) for one in json.loads(candidates))
        return StoredDecision(
            float(at), call_id, run_id, Decision(phase, complexity, strategy, ranked, json.loads(terms))
        )
    except (ValueError, TypeError):
        return None


_OLD = (
    ("transitions", "at"),
    ("runs", "started_at"),
    ("rollups", "hour"),
    ("budgets", "updated_at"),
)


def prune_step(connection: sqlite3.Connection, now: float, keep_s: float) -> int:
    """Drop some attempts older than `keep_s` seconds that are in the sums; return how many."""
    newest = connection.execute(_NEWEST_SEQ).fetchone()[0]
    until = fold(connection, newest)
    gone = connection.execute(
        "DELETE FROM attempts WHERE seq IN (SELECT seq FROM attempts WHERE started_at < ? AND seq <= ? AND seq < ? "
        "ORDER BY started_at LIMIT ?)",
        (now - keep_s, until, newest, PRUNE_STEP),
    ).rowcount
    connection.execute(
        "DELETE FROM decisions WHERE seq IN (SELECT seq FROM decisions WHERE at < ? ORDER BY at LIMIT ?)",
        (now - keep_s, PRUNE_STEP),
    )
    for table, column in _OLD:
        connection.execute(f"DELETE FROM {table} WHERE {column} < ?", (now - KEEP_SUMS,))  # noqa: S608 - names are ours
    for table in ("in_flight", "leases", "reservations"):
        connection.execute(f"DELETE FROM {table} WHERE expires_at < ?", (now - 86400.0,))  # noqa: S608 - names are ours
    return gone
