"""Several hosts on one server, with clocks up to a day wrong: one probe for all of them, whoever is killed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import fleet_host
import pytest
from postgres_server import PostgresServer, binaries
from processes import PATIENCE, variables
from scripted_server import ServerThread

from archfb_state.storage.opening import open_state, peek

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from archfb_state.store import Store

DAY = 86400.0
INTERVAL, TIMEOUT = 0.7, 2.0
MODELS = ("alpha", "beta", "gamma")


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    pytest.importorskip("psycopg")
    if binaries() is None:
        pytest.skip("no PostgreSQL server (initdb) on this machine; Debian's package is postgresql")
    server = PostgresServer.temporary("fsync=off")
    server.start()
    yield server
    server.remove()


def settings(url: str) -> str:
    models = "".join(f'[models.{one}]\nprovider = "fleet"\nmodel = "{one}"\nprobe = "metadata"\n' for one in MODELS)
    phases = "".join(f"{one} = {json.dumps(MODELS)}\n" for one in ("phase1", "phase2", "phase3", "phase4", "phase5"))
    return (
        f"[health]\ntimeout = {TIMEOUT}\nretry_count = 100\n[chains]\n{phases}final = {json.dumps(MODELS)}\n"
        f'[providers.fleet]\napi = "openai-chat"\nbase_url = "{url}/v1"\n{models}'
    )


def host(url: str, config: Path, home: Path, wrong: float) -> subprocess.Popen[str]:
    home.mkdir()
    return subprocess.Popen(
        [sys.executable, fleet_host.__file__, url, str(config), str(wrong), str(INTERVAL)],
        env=variables({"HOME": str(home), "XDG_STATE_HOME": str(home)}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def await_probes(store: Store, models: int, count: int) -> None:
    """Wait until so many models have been probed so many times more."""
    until, before = time.monotonic() + PATIENCE, Counter(one.model for one in store.attempts())
    while sum(n >= count for n in (Counter(one.model for one in store.attempts()) - before).values()) < models:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_fleet_probes_once_for_all_and_no_lease_outlives_its_end(server: PostgresServer, tmp_path: Path) -> None:
    url, config = server.new(), tmp_path / "fleet.toml"
    with ServerThread({"models": {one: [{}] for one in MODELS}}) as provider:
        config.write_text(settings(provider.url), encoding="utf-8")
        dead = open_state(url, folder=str(tmp_path))
        lease = dead.acquire(f"probe:fleet|{provider.url}/v1|alpha", 2 * INTERVAL)
        assert lease is not None
        hosts = [host(url, config, tmp_path / str(n), wrong * DAY) for n, wrong in enumerate((-1, 1, -0.3, 0.6))]
        await_probes(dead, 1, 1)
        for one in hosts[:2]:
            one.kill()
        await_probes(dead, len(MODELS), 2)
        for one in hosts:
            one.communicate()
        asked = provider.counts["requests"]
    dead.close()
    store = peek(url)
    probes = sorted(store.attempts(), key=lambda one: one.started_at)
    leases = store.snapshot().leases
    now = store.now()
    store.close()
    assert len(probes) <= asked <= len(probes) + 2 * len(MODELS), "what a killed host asked may not be recorded"
    for name in MODELS:
        at = [one.started_at for one in probes if one.model == name]
        assert min(later - before for before, later in pairwise(at)) >= INTERVAL
        assert now - PATIENCE < at[0] <= at[-1] <= now
    assert min(one.started_at for one in probes if one.model == "alpha") >= lease.expires_at
    assert all(ends <= now + 3 * TIMEOUT for ends in leases.values())
    assert [one.returncode for one in hosts] == [-9, -9, 0, 0]
