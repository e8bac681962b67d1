from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "simulation.py"


@pytest.fixture(scope="module")
def simulation() -> ModuleType:
    spec = importlib.util.spec_from_file_location("simulation", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["simulation"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_figures_that_few_rounds_can_show_are_reached(simulation: ModuleType) -> None:
    found = list(simulation.figures(share=0.03))
    missed = [str(one) for one in found if not one.met]
    assert missed == []
    assert len(found) == 19


def test_plain_counting_would_open_at_nearly_every_blip(simulation: ModuleType) -> None:
    found = {one.name: one.value for one in simulation._blips(simulation.Random(1), 0.05)}
    together, plain = found.values()
    assert plain >= 0.5 > 0.15 > together


def test_the_script_prints_each_figure_beside_its_target() -> None:
    told = subprocess.run(
        [sys.executable, str(SCRIPT), "--rounds", "0.001", "--seed", "5"], capture_output=True, text=True, check=False
    )
    assert told.stdout.startswith("seed 5 ")
    assert told.stdout.count("met") + told.stdout.count("MISSED") == 19
    assert told.stderr == ""
