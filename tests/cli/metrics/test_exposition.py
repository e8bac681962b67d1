"""The metrics as text: compared as a whole, read by Prometheus's own parser, judged by promtool."""

from __future__ import annotations

import random
import shutil
import subprocess
from typing import Any

import pytest
from health_rows import EXAMPLE, NOW, health, row
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from routing_bench import FakeClock, config
from state_samples import attempt

from archfb.metrics.exposition import exposition
from archfb.metrics.reading import Reading, read
from archfb.text import clean
from archfb_state.outcomes import Outcome
from archfb_state.settings import Settings
from archfb_state.storage.memory_store import MemoryStore
from archfb_state.store import BUCKETS, Counter

NAMES = [
    "archfb_chain_usable_models",
    "archfb_model_latency_level",
    "archfb_probe_last_run_timestamp_seconds",
    "model_consecutive_failures",
    "model_cost_usd_total",
    "model_fallbacks_total",
    "model_health_status",
    "model_last_success_timestamp_seconds",
    "model_request_duration_seconds",
    "model_requests_total",
    "model_tokens_total",
]

HOSTILE = [
    'quote"inside', "back\\slash", "back\\", "new\nline", "\\n", '"', "\x1b[31mred", "nul\0", "bidi\u202etxet",
    "\ud800", "line\u2028end", "{a=\"b\"} 1", "# HELP x", "", " ", "snow☃man", "e\u0301", "\r\n", "a,b", "le",
]  # fmt: skip


def counter(phase: str = "phase1", model: str = "m1", outcome: str = "ok", *, at: int = 3, **more: Any) -> Counter:
    """Return one attempt of 0.8 s."""
    buckets = tuple(int(n == at) for n in range(len(BUCKETS) + 1))
    fields = {"count": 1, "seconds": 0.8, "buckets": buckets, "input_tokens": 11, "output_tokens": 7}
    rest = {"reasoning_tokens": 0, "cached_tokens": 0, "cost_usd": 0.000004}
    return Counter(phase, model, outcome, **{**fields, **rest, **more})


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return every sample that Prometheus's parser reads, by name and labels; none may stand twice."""
    found = [one for family in text_string_to_metric_families(text) for one in family.samples]
    keyed = {(one.name, frozenset(one.labels.items())): one.value for one in found}
    assert len(keyed) == len(found)
    return keyed


SMALL = """\
# HELP model_requests_total Attempts by outcome; probes have the phase probe.
# TYPE model_requests_total counter
model_requests_total{phase="phase1",model="a",status="server_error"} 1
model_requests_total{phase="phase1",model="b",status="ok"} 1
# HELP model_request_duration_seconds Time from the beginning to the end of an attempt.
# TYPE model_request_duration_seconds histogram
model_request_duration_seconds_bucket{phase="phase1",model="a",le="0.1"} 0
model_request_duration_seconds_bucket{phase="phase1",model="a",le="0.25"} 0
model_request_duration_seconds_bucket{phase="phase1",model="a",le="0.5"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="1"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="2.5"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="5"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="10"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="20"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="40"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="60"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="120"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="300"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="600"} 1
model_request_duration_seconds_bucket{phase="phase1",model="a",le="+Inf"} 1
model_request_duration_seconds_sum{phase="phase1",model="a"} 0.5
model_request_duration_seconds_count{phase="phase1",model="a"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="0.1"} 0
model_request_duration_seconds_bucket{phase="phase1",model="b",le="0.25"} 0
model_request_duration_seconds_bucket{phase="phase1",model="b",le="0.5"} 0
model_request_duration_seconds_bucket{phase="phase1",model="b",le="1"} 0
model_request_duration_seconds_bucket{phase="phase1",model="b",le="2.5"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="5"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="10"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="20"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="40"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="60"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="120"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="300"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="600"} 1
model_request_duration_seconds_bucket{phase="phase1",model="b",le="+Inf"} 1
model_request_duration_seconds_sum{phase="phase1",model="b"} 1.5
model_request_duration_seconds_count{phase="phase1",model="b"} 1
# HELP model_cost_usd_total US dollars spent, where prices are known.
# TYPE model_cost_usd_total counter
model_cost_usd_total{model="a"} 0
model_cost_usd_total{model="b"} 4e-06
# HELP model_tokens_total Tokens as the providers count them.
# TYPE model_tokens_total counter
model_tokens_total{model="a",direction="input"} 0
model_tokens_total{model="a",direction="output"} 0
model_tokens_total{model="b",direction="input"} 11
model_tokens_total{model="b",direction="output"} 7
# HELP model_fallbacks_total Calls handed over from a model that failed to the next one.
# TYPE model_fallbacks_total counter
model_fallbacks_total{phase="phase1",from="a",to="b"} 1
# HELP model_health_status 0 unavailable, 1 degraded, 2 healthy; absent when unknown.
# TYPE model_health_status gauge
model_health_status{model="a"} 1
model_health_status{model="b"} 2
# HELP model_consecutive_failures Failures since the last success.
# TYPE model_consecutive_failures gauge
model_consecutive_failures{model="a"} 1
model_consecutive_failures{model="b"} 0
# HELP model_last_success_timestamp_seconds When the model last succeeded, by call or probe.
# TYPE model_last_success_timestamp_seconds gauge
model_last_success_timestamp_seconds{model="b"} 1799999992
# HELP archfb_model_latency_level Latency against the model's thresholds: 0 below, 1 warning, 2 critical.
# TYPE archfb_model_latency_level gauge
archfb_model_latency_level{model="a"} 0
archfb_model_latency_level{model="b"} 0
# HELP archfb_chain_usable_models Models of a chain that a call could be sent to now; absent for a chain none of \
whose models has a key.
# TYPE archfb_chain_usable_models gauge
archfb_chain_usable_models{phase="phase1"} 2
archfb_chain_usable_models{phase="phase2"} 2
# HELP archfb_probe_last_run_timestamp_seconds When a round of probes was last completed.
# TYPE archfb_probe_last_run_timestamp_seconds gauge
archfb_probe_last_run_timestamp_seconds 1799999999.5
"""


def small_store() -> tuple[MemoryStore, FakeClock]:
    """Return a memory of one call that model a failed and model b answered."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    own = {name: _ref(name) for name in ("a", "b")}
    first = {"started_at": clock.at - 10, "ended_at": clock.at - 9.5}
    second = {"started_at": clock.at - 9.5, "ended_at": clock.at - 8, "latency_ms": 1500.0, "fallback_from": "a"}
    usage = {"input_tokens": 11, "output_tokens": 7, "cost_usd": 0.000004}
    store.record(
        [
            attempt(1, "a", outcome=Outcome.SERVER_ERROR, **own["a"], **first),
            attempt(2, "b", **own["b"], **second, **usage),
        ],
        Settings(),
    )
    store.meta("probe_last_run", clock.at - 0.5)
    return store, clock


def _ref(name: str) -> dict[str, str]:
    base = f"https://p-{name}.example/v1"
    return {"deployment": f"p-{name}|{base}|id-{name}", "account": f"{base}#", "host": f"p-{name}.example"}


def test_a_small_state_is_this_text() -> None:
    store, _ = small_store()
    assert exposition(read(config({"a": {}, "b": {}}), store, {})) == SMALL


def test_prometheus_reads_back_every_value() -> None:
    found = samples(SMALL)
    assert found["model_tokens_total", frozenset({("model", "b"), ("direction", "input")})] == 11
    assert found["model_fallbacks_total", frozenset({("phase", "phase1"), ("from", "a"), ("to", "b")})] == 1
    families = {family.name: family.type for family in text_string_to_metric_families(SMALL)}
    assert sorted(families) == [name.removesuffix("_total") for name in NAMES]
    assert families["model_request_duration_seconds"] == "histogram"


def test_each_status_has_its_number_and_the_unknown_has_none() -> None:
    text = exposition(Reading(EXAMPLE, [], {}, {}))
    assert [line for line in text.splitlines() if line.startswith("model_health_status")] == [
        'model_health_status{model="claude-basic"} 0',
        'model_health_status{model="gemini-basic"} 2',
        'model_health_status{model="gemini-reasoning"} 1',
        'model_health_status{model="openai-mini-low"} 0',
    ]


def test_an_empty_state_has_no_empty_family() -> None:
    assert exposition(Reading(health(), [], {}, {})) == ""


def test_a_chain_counts_the_models_that_could_be_asked_and_leaves_the_offline_provider_out() -> None:
    from archfb.metrics.reading import usable

    loaded = config({"a": {}, "b": {}, "c": {}})
    rows = [row("a"), row("b", "unavailable", account="#"), row("c", keyed=False)]
    assert usable(loaded, health(*rows)) == {"phase1": 1, "phase2": 1}
    assert usable(loaded, health(row("a", "unavailable"), row("b", account="#"))) == {"phase1": 0, "phase2": 0}
    assert usable(loaded, health(row("a", account="#"), row("b", keyed=False))) == {}


def test_outcomes_of_one_model_share_a_histogram() -> None:
    text = exposition(Reading(health(), [counter(at=0), counter(outcome="timeout", at=13)], {}, {}))
    lines = [line for line in text.splitlines() if line.startswith("model_request_duration_seconds")]
    assert lines[0].endswith('le="0.1"} 1')
    assert lines[12].endswith('le="600"} 1')
    assert lines[13].endswith('le="+Inf"} 2')
    assert lines[15].endswith("} 2")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_come_back_as_they_were_cleaned(name: str) -> None:
    text = exposition(Reading(health(row(name)), [counter(model=name)], {("phase1", name, "b"): 1}, {"phase1": 1}))
    text.encode()
    found = samples(text)
    assert found["model_requests_total", frozenset({("phase", "phase1"), ("model", clean(name)), ("status", "ok")})]
    assert found["model_health_status", frozenset({("model", clean(name))})] == 2


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_names_give_a_text_that_is_read_back_without_a_series_twice(names: list[str]) -> None:
    rows = health(*(row(name) for name in names))
    counters = [counter(model=name) for name in names]
    found = samples(exposition(Reading(rows, counters, {("p", names[0], names[-1]): 2}, {})))
    totals = {dict(key)["model"]: value for (name, key), value in found.items() if name == "model_requests_total"}
    assert totals == {clean(name): sum(clean(one) == clean(name) for one in names) for name in names}


HARD = Reading(EXAMPLE, [counter(model=name) for name in HOSTILE], {("p", '"\\\n', "b"): 1}, {}, NOW)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
@pytest.mark.parametrize("text", [SMALL, exposition(HARD)], ids=["small", "hostile"])
def test_promtool_has_no_complaint(text: str) -> None:
    ended = subprocess.run(["promtool", "check", "metrics"], input=text.encode(), capture_output=True, check=False)
    assert (ended.returncode, ended.stdout + ended.stderr) == (0, b"")


def test_counters_never_go_back_however_they_are_ordered() -> None:
    counters = [counter(model=f"m{n % 3}", outcome=("ok", "timeout")[n % 2]) for n in range(12)]
    whole = exposition(Reading(health(), counters, {}, {}))
    random.Random(3).shuffle(counters)
    assert exposition(Reading(health(), counters, {}, {})) == whole
