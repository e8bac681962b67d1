"""The dashboard: every query of it asked of a real Prometheus that reads real metrics."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from processes import PATIENCE
from routing_bench import config
from scripted_server import free_port
from state_samples import attempt

from archfb.commands.table import verdict_of
from archfb.metrics.serve import Address, pages, serving
from archfb.probing.last_round import remember
from archfb_state.outcomes import Outcome
from archfb_state.settings import Settings
from archfb_state.storage.opening import open_state
from archfb_state.store import Store

PATH = Path(__file__).parents[2] / "monitoring" / "dashboard.json"
DASHBOARD = json.loads(PATH.read_text("utf-8"))
QUERIES = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$phase": ".*", "$model": ".*"}


def substituted(query: str) -> str:
    for name, value in VARIABLES.items():
        query = query.replace(name, value)
    return query


def seed(store: Store, number: int) -> None:
    """Record what a busy minute brings: a hand-over, an answer that cost something, slow probes."""
    now = store.now()
    own = {
        name: {"deployment": f"p-{name}|{base}|id-{name}", "account": f"{base}#", "host": f"p-{name}.example"}
        for name, base in (("a", "https://p-a.example/v1"), ("b", "https://p-b.example/v1"))
    }
    at = {"started_at": now - 1, "ended_at": now}
    usage = {"input_tokens": 1000, "output_tokens": 70, "cost_usd": 0.01, "fallback_from": "a"}
    store.record(
        [
            attempt(number, "a", outcome=Outcome.OVERLOADED, **own["a"], **at),
            attempt(number + 1, "b", **own["b"], **at, **usage),
            attempt(number + 2, "b", kind="metadata", phase="probe", **own["b"], **at, latency_ms=7000.0),
        ],
        Settings(),
    )
    remember(store)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of a Prometheus that has read the metrics of a state while it changed."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed")
    folder = tmp_path_factory.mktemp("prometheus")
    store = open_state(f"{folder}/archfb.db")
    for number in range(0, 15, 3):
        seed(store, number)
    shown = pages(config({"a": {}, "b": {}}), f"{folder}/archfb.db", {}, verdict_of)
    with serving(Address("127.0.0.1", 0), shown) as target:
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
            f"scrape_configs: [{{job_name: archfb, static_configs: [{{targets: ['{target}']}}]}}]\n"
        )
        listen = f"127.0.0.1:{free_port()}"
        words = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/tsdb"]
        with (folder / "log").open("w") as log:
            process = subprocess.Popen([program, *words, f"--web.listen-address={listen}"], stdout=log, stderr=log)
            try:
                until(listen, "count_over_time(model_requests_total[1m]) > 1", folder)
                seed(store, 100)
                until(listen, 'model_requests_total{status="overloaded"} == 6', folder)
                until(listen, "changes(model_cost_usd_total[1m]) > 0", folder)
                yield listen
            finally:
                process.terminate()
                process.wait(PATIENCE)
                store.close()


def ask(listen: str, query: str) -> dict[str, Any]:
    """Return Prometheus's answer to a query."""
    address = f"http://{listen}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(address, timeout=PATIENCE) as answer:
            found: dict[str, Any] = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            found = json.load(error)
    return found


def until(listen: str, query: str, folder: Path) -> None:
    """Wait until a query has a result."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if ask(listen, query).get("data", {}).get("result"):
                return
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"{query} never had a result; {(folder / 'log').read_text()[-2000:]}")


@pytest.mark.parametrize("name", QUERIES)
def test_every_query_has_a_result(prometheus: str, name: str) -> None:
    answer = ask(prometheus, substituted(QUERIES[name]))
    assert answer["status"] == "success", answer
    assert answer["data"]["result"], QUERIES[name]


@pytest.mark.parametrize("name", ["phase", "model"])
def test_every_variable_has_values(prometheus: str, name: str) -> None:
    (query,) = (one["query"]["query"] for one in DASHBOARD["templating"]["list"] if one["name"] == name)
    found = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
    assert found
    result = ask(prometheus, f"group by ({found[2]}) ({found[1]})")["data"]["result"]
    assert sorted(one["metric"][found[2]] for one in result) == (["phase1"] if name == "phase" else ["a", "b"])


def test_every_rule_can_be_asked(prometheus: str) -> None:
    text = (PATH.parent / "alerts.yml").read_text("utf-8")
    one_line = re.findall(r"expr: (?!\|)(.+)", text)
    blocks = re.findall(r"expr: \|\n((?: {10,}.+\n)+)", text)
    assert len(one_line) + len(blocks) == 7
    for query in [*one_line, *blocks]:
        assert ask(prometheus, query)["status"] == "success", query


def test_every_panel_has_its_place_its_number_and_the_chosen_source() -> None:
    panels = DASHBOARD["panels"]
    assert len({one["id"] for one in panels}) == len(panels)
    for one in panels:
        assert one["gridPos"]["x"] + one["gridPos"]["w"] <= 24
        sources = [one["datasource"], *(target["datasource"] for target in one["targets"])]
        assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)
    for first, second in combinations((one["gridPos"] for one in panels), 2):
        apart_x = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
        apart_y = first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
        assert apart_x or apart_y


def test_every_metric_that_is_exposed_is_in_the_dashboard_or_its_alerts() -> None:
    from archfb.metrics import exposition

    text = PATH.read_text("utf-8") + (PATH.parent / "alerts.yml").read_text("utf-8")
    source = Path(exposition.__file__).read_text("utf-8")
    names = set(re.findall(r'"((?:archfb|model)_[a-z_]+)"', source))
    assert len(names) == 11
    assert [name for name in sorted(names) if name not in text] == []
