"""What is remembered as Prometheus text: every family with its help, type, labels and samples."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Literal, NamedTuple

from archfb.text import clean
from archfb_state.store import BUCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from archfb.metrics.reading import Reading
    from archfb.routing.table import ModelHealth
    from archfb_state.store import Counter

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

HEALTH = {"unavailable": 0, "degraded": 1, "healthy": 2}
"""The values of `model_health_status`; a model of unknown health has no sample."""

LEVELS = {"": 0, "warning": 1, "critical": 2}

Labels = tuple[str, ...]


class Family(NamedTuple):
    """One metric: its samples by the values of its labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: Labels
    samples: Mapping[Labels, float]


class Durations(NamedTuple):
    """One histogram: attempts per bucket (not cumulative, one more than there are bounds) and their seconds."""

    buckets: tuple[int, ...]
    seconds: float


def exposition(reading: Reading) -> str:
    """Return the whole text, in version 0.0.4 of the format; a family without samples is left out."""
    return "".join(line + "\n" for line in _lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    yield from _plain(_requests(reading))
    yield from _histogram(reading.counters)
    for family in (_totals, _gauges, _program):
        for one in family(reading):
            yield from _plain(one)


def _plain(family: Family) -> Iterator[str]:
    if family.samples:
        yield from _head(family.name, family.kind, family.help)
    for values, number in sorted(family.samples.items()):
        yield f"{family.name}{_braces(family.labels, values)} {_number(number)}"


def _head(name: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"


def _braces(names: Iterable[str], values: Iterable[str]) -> str:
    pairs = ",".join(f'{name}="{escaped(value)}"' for name, value in zip(names, values, strict=True))
    return f"{{{pairs}}}" if pairs else ""


def escaped(value: str) -> str:
    """Return a label's value as the format wants it between its quotes."""
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _labels(*values: str) -> Labels:
    return tuple(clean(value) for value in values)


def _summed(samples: Iterable[tuple[Labels, float]]) -> dict[Labels, float]:
    """Return the sums by labels: names that differ only in what `clean` replaces share a series."""
    sums: dict[Labels, float] = {}
    for values, number in samples:
        sums[values] = sums.get(values, 0) + number
    return sums


def _requests(reading: Reading) -> Family:
    counted = _summed((_labels(one.phase, one.model, one.outcome), one.count) for one in reading.counters)
    text = "Attempts by outcome; probes have the phase probe."
    return Family("model_requests_total", "counter", text, ("phase", "model", "status"), counted)


def _histogram(counters: Iterable[Counter]) -> Iterator[str]:
    name, names = "model_request_duration_seconds", ("phase", "model")
    found = _durations(counters)
    if found:
        yield from _head(name, "histogram", "Time from the beginning to the end of an attempt.")
    bounds = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]
    for values, one in sorted(found.items()):
        for bound, count in zip(bounds, accumulate(one.buckets), strict=True):
            yield f"{name}_bucket{_braces((*names, 'le'), (*values, bound))} {count}"
        yield f"{name}_sum{_braces(names, values)} {_number(one.seconds)}"
        yield f"{name}_count{_braces(names, values)} {sum(one.buckets)}"


def _durations(counters: Iterable[Counter]) -> dict[Labels, Durations]:
    sums: dict[Labels, Durations] = {}
    for one in counters:
        key = _labels(one.phase, one.model)
        before = sums.get(key) or Durations((0,) * (len(BUCKETS) + 1), 0.0)
        buckets = tuple(a + b for a, b in zip(before.buckets, one.buckets, strict=True))
        sums[key] = Durations(buckets, before.seconds + one.seconds)
    return sums


def _totals(reading: Reading) -> Iterator[Family]:
    never = [_labels(one.name) for one in reading.table.models]
    cost = _summed(
        [*((model, 0.0) for model in never), *((_labels(one.model), one.cost_usd) for one in reading.counters)]
    )
    yield Family("model_cost_usd_total", "counter", "US dollars spent, where prices are known.", ("model",), cost)
    tokens = _summed(
        [
            *(((*model, way), 0) for model in never for way in ("input", "output")),
            *((_labels(one.model, "input"), one.input_tokens) for one in reading.counters),
            *((_labels(one.model, "output"), one.output_tokens) for one in reading.counters),
        ]
    )
    text = "Tokens as the providers count them."
    yield Family("model_tokens_total", "counter", text, ("model", "direction"), tokens)
    handed = _summed((_labels(*key), count) for key, count in reading.fallbacks.items())
    text = "Calls handed over from a model that failed to the next one."
    yield Family("model_fallbacks_total", "counter", text, ("phase", "from", "to"), handed)


def _gauges(reading: Reading) -> Iterator[Family]:
    yield _by_model(
        reading,
        "model_health_status",
        "0 unavailable, 1 degraded, 2 healthy; absent when unknown.",
        lambda one: HEALTH.get(one.standing.status),
    )
    yield _by_model(
        reading,
        "model_consecutive_failures",
        "Failures since the last success.",
        lambda one: one.record.consecutive_failures,
    )
    yield _by_model(
        reading,
        "model_last_success_timestamp_seconds",
        "When the model last succeeded, by call or probe.",
        lambda one: one.record.last_success_at,
    )
    yield _by_model(
        reading,
        "archfb_model_latency_level",
        "Latency against the model's thresholds: 0 below, 1 warning, 2 critical.",
        lambda one: None if one.standing.status == "unknown" else LEVELS.get(one.record.latency_level),
    )


def _by_model(reading: Reading, name: str, text: str, value: Callable[[ModelHealth], float | None]) -> Family:
    found = ((_labels(one.name), value(one)) for one in reading.table.models)
    return Family(name, "gauge", text, ("model",), {key: one for key, one in found if one is not None})


def _program(reading: Reading) -> Iterator[Family]:
    text = "Models of a chain that a call could be sent to now; absent for a chain none of whose models has a key."
    usable = {_labels(phase): float(count) for phase, count in reading.usable.items()}
    yield Family("archfb_chain_usable_models", "gauge", text, ("phase",), usable)
    last: dict[Labels, float] = {} if reading.probe_last_run is None else {(): reading.probe_last_run}
    text = "When a round of probes was last completed."
    yield Family("archfb_probe_last_run_timestamp_seconds", "gauge", text, (), last)
