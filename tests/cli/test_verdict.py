"""The exit code of `health` and `status --check`, as a table."""

from __future__ import annotations

import pytest
from health_rows import health, row

from archfb.routing.table import ChainHealth, StatusTable
from archfb.verdict import CRITICAL, UNKNOWN, WARNING, WELL, nagios, selected, verdict

INTERVAL = 300.0
GOOD = ChainHealth("phase1", 1, "m1", 2)
DEAD = ChainHealth("phase1", 0, None, 2)
KEYLESS = ChainHealth("phase2", 0, None, 0)

CASES: list[tuple[str, StatusTable, int]] = [
    ("all is well", health(row(), chains=(GOOD,)), WELL),
    ("a keyless model does not count", health(row(), row("m2", "unavailable", keyed=False), chains=(GOOD,)), WELL),
    ("a keyless chain does not count", health(row(), chains=(GOOD, KEYLESS)), WELL),
    ("one is degraded", health(row(), row("m2", "degraded"), chains=(GOOD,)), WARNING),
    ("one is unavailable", health(row(), row("m2", "unavailable", retry_in=40), chains=(GOOD,)), WARNING),
    (
        "a drain is not counted",
        health(row(), row("m2", "unavailable", drained=True, held=True), chains=(GOOD,)),
        WELL,
    ),
    (
        "a hold shorter than the interval is not counted",
        health(row(), row("m2", "unavailable", held=True, retry_in=299), chains=(GOOD,)),
        WELL,
    ),
    (
        "a hold as long as the interval is counted",
        health(row(), row("m2", "unavailable", held=True, retry_in=300), chains=(GOOD,)),
        WARNING,
    ),
    (
        "a failure that ends soon is counted",
        health(row(), row("m2", "unavailable", retry_in=20), chains=(GOOD,)),
        WARNING,
    ),
    ("a chain has none usable left", health(row("m1", "unavailable"), chains=(DEAD,)), CRITICAL),
    ("a chain is held as a whole", health(row("m1", "unavailable", held=True, retry_in=9), chains=(DEAD,)), CRITICAL),
    ("there is no model at all", health(), UNKNOWN),
    ("no model has a key", health(row("m1", "unavailable", keyed=False), chains=(KEYLESS,)), UNKNOWN),
    ("the offline provider is no model", health(row("offline", account="#"), chains=(KEYLESS,)), UNKNOWN),
    ("this machine is offline", health(row(), chains=(GOOD,), offline=True), UNKNOWN),
    ("there is no evidence yet", health(row("m1", "unknown", seen=None), chains=(GOOD,)), UNKNOWN),
    ("all evidence is too old", health(row(seen=901), chains=(GOOD,)), UNKNOWN),
    ("evidence is just not too old", health(row(seen=900), chains=(GOOD,)), WELL),
    ("some evidence is too old", health(row(), row("m2", seen=901), chains=(GOOD,)), UNKNOWN),
    ("known trouble beats old evidence", health(row("m1", "degraded"), row("m2", seen=901), chains=(GOOD,)), WARNING),
    (
        "trouble that nobody looked at for a day is no knowledge",
        health(row("m1", "unavailable", seen=90_000, retry_in=-86_400), chains=(DEAD,)),
        UNKNOWN,
    ),
    (
        "a blocked model is looked at seldom",
        health(row("m1", "unavailable", seen=3000), row("m2"), chains=(GOOD,)),
        WARNING,
    ),
]


@pytest.mark.parametrize(("table", "code"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_code_follows_from_the_table(table: StatusTable, code: int) -> None:
    assert verdict(table, interval=INTERVAL).code == code


def test_the_age_limit_can_be_chosen() -> None:
    assert verdict(health(row(seen=100), chains=(GOOD,)), interval=INTERVAL, max_age=99).code == UNKNOWN


def test_a_model_that_no_probe_asks_is_never_too_old() -> None:
    table = health(row(), row("m2", seen=None), chains=(GOOD,))
    assert verdict(table, interval=INTERVAL, unprobed={"m2"}).code == WELL


def test_a_selection_keeps_the_rows_and_the_chain_that_were_named() -> None:
    table = health(row("m1"), row("m2", "degraded"), row("m3"), chains=(GOOD, KEYLESS))
    chains = {"phase1": ("m1", "m2"), KEYLESS.phase: ("m3",)}
    assert selected(table, [], None, chains) is table
    named = selected(table, ["m3"], None, chains)
    assert ([one.name for one in named.models], named.chains) == (["m3"], (KEYLESS,))
    chosen = selected(table, [], "phase1", chains)
    assert ([one.name for one in chosen.models], [one.phase for one in chosen.chains]) == (["m1", "m2"], ["phase1"])


def test_the_plugin_line_has_one_line_and_perfdata() -> None:
    table = health(row("m1", probed=(95.0,)), row("it's|a=name", "degraded", probed=(1500.0,)), chains=(GOOD,))
    assert nagios(table, verdict(table, interval=INTERVAL)) == (
        "ARCHFB WARNING - it's/a=name is degraded. | "
        "healthy=1;;;0;2 degraded=1;;;0;2 unavailable=0;;;0;2 'm1'=0.095s 'it_s_a_name'=1.500s"
    )
