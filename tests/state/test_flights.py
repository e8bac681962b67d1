"""Calls in flight as counted in memory: always what the table says."""

from __future__ import annotations

import sqlite3

from hypothesis import given
from hypothesis import strategies as st

from archfb_state.storage.flights import Flights
from archfb_state.storage.schema import CREATE

CALLS = st.sampled_from(["c1", "c2", "c3"])
MODELS = st.sampled_from(["a", "b"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("depart"), CALLS, MODELS, st.sampled_from([1.0, 5.0])),
        st.tuples(st.just("moved"), CALLS, st.none() | MODELS),
        st.tuples(st.just("wait"), st.sampled_from([-3.0, 0.5, 2.0])),
        st.tuples(st.just("forget")),
    ),
    max_size=30,
)


@given(STEPS)
def test_the_counts_are_those_of_a_fresh_reading(steps: list[tuple[object, ...]]) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute(next(one for one in CREATE if one.startswith("CREATE TABLE in_flight")))
    flights, now = Flights(), 1000.0
    for name, *values in steps:
        if name == "wait":
            now += values[0]  # type: ignore[operator]
        elif name == "forget":
            flights.forget()
        elif name == "depart":
            call, model, seconds = values
            flights.depart(connection, call, model, now, seconds)  # type: ignore[arg-type]
        else:
            flights.moved(connection, *values, now)  # type: ignore[arg-type]
        assert flights.counts(connection, now) == Flights().counts(connection, now)
        assert flights.waiting(connection, now) == Flights().waiting(connection, now)
    connection.close()
