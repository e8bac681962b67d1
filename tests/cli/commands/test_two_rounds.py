"""Two rounds of probes at once, on a machine that has no state yet, and one after a round that was killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from processes import PATIENCE, archfb, variables
from scripted_server import ServerThread

PHASES = ("phase1", "phase2", "phase3", "phase4", "phase5", "final")


def configured(folder: Path, url: str) -> Path:
    lines = ["[providers.p]", 'api = "openai-responses"', f'base_url = "{url}/v1"']
    lines += ["[models.m]", 'provider = "p"', 'model = "m"', "[chains]", *(f'{phase} = ["m"]' for phase in PHASES)]
    (folder / "c.toml").write_text("\n".join(lines))
    return folder / "c.toml"


def test_rows_73_and_74_the_first_round_of_a_fresh_machine_keeps_others_out_until_it_is_dead(tmp_path: Path) -> None:
    with ServerThread({"metadata": {"m": [{"delay": 600}]}}) as server:
        home = {"HOME": str(tmp_path), "XDG_STATE_HOME": "", "ARCHFB_CONFIG": str(configured(tmp_path, server.url))}
        first = subprocess.Popen(
            [sys.executable, "-m", "archfb", "health"],
            env=variables(home),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until = time.monotonic() + PATIENCE
            while not server.requests and time.monotonic() < until:
                time.sleep(0.05)
            second = archfb("health", "--all", env=home)
            assert second.returncode == 3
            assert f"Another probe (pid {first.pid}) is running" in second.stderr
            assert archfb("health", "--lock", "fail", env=home).returncode == 3
            assert len(server.requests) == 1
        finally:
            first.kill()
            first.wait()
        server.put({"metadata": {"m": [{}]}, "models": {"m": [{}]}})
        third = archfb("health", env=home)
        assert (third.returncode, "Another probe" in third.stderr) == (0, False), third.stdout + third.stderr
        assert "healthy" in third.stdout
