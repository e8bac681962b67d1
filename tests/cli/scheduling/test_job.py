"""The command line that is scheduled means the same wherever it is started from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from archfb.config.load import load
from archfb.config.model import Config
from archfb.errors import UsageError
from archfb.scheduling.caveats import caveats
from archfb.scheduling.job import job, step_of, variables_in


def config_of(folder: Path, text: str = "") -> Config:
    path = folder / "c.toml"
    path.write_text(text)
    return load(str(path), environ={"HOME": str(folder)}, cwd=folder)


def job_of(folder: Path, environ: dict[str, str] | None = None, **more: Any) -> Any:
    return job("/venv/bin/python", config_of(folder), environ or {}, cwd="/here", **more)


def test_paths_become_absolute_and_the_interpreter_is_named(tmp_path: Path) -> None:
    found = job_of(tmp_path, config_option="c.toml", state_option="../s.db")
    assert found.words == (
        *("/venv/bin/python", "-m", "archfb", "health", "--quiet"),
        *("--config", "/here/c.toml", "--state", "/s.db"),
    )
    assert (found.every, found.jitter, found.stale) == (60, 20, ("--if-stale", "60"))


def test_what_the_environment_decides_here_is_decided_there_too(tmp_path: Path) -> None:
    environ = {
        "ARCHFB_CONFIG": "/c.toml",
        "ARCHFB_STATE": "postgresql://db/x",
        "ARCHFB_LOG": "log",
        "XDG_STATE_HOME": "/var/me",
        "OPENAI_API_KEY": "sk-canary",
        "LANG": "C",
    }
    found = job_of(tmp_path, environ)
    assert found.words[5:] == (*("--config", "/c.toml", "--state", "postgresql://db/x", "--log-json", "/here/log"),)
    assert found.environ == (("XDG_STATE_HOME", "/var/me"),)
    assert "canary" not in repr(found)


@pytest.mark.parametrize(
    ("interval", "asked", "seconds"),
    [(300, None, 60), (10, None, 60), (900, None, 180), (86400, None, 14400), (1e9, None, 86400), (300, 600, 600)],
)
def test_a_step_is_one_that_a_crontab_can_say(interval: float, asked: float | None, seconds: int) -> None:
    assert step_of(interval, asked) == seconds


@pytest.mark.parametrize("asked", [30, 90, 420, 90000])
def test_another_step_is_refused(asked: float) -> None:
    with pytest.raises(UsageError, match="must be one of 1m, 2m, "):
        step_of(300, asked)


REFUSED = [
    ({"jitter": 60.0}, "--jitter must be less than the 60 s"),
    ({"config_option": "a\nb"}, "control character"),
    ({"env_file": "nowhere"}, "Cannot read /here/nowhere"),
    ({"env_file": "/"}, "no regular file"),
]


@pytest.mark.parametrize(("more", "said"), REFUSED, ids=[one[1] for one in REFUSED])
def test_what_no_job_can_be_is_refused(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        job_of(tmp_path, **more)


def test_keys_that_others_can_read_are_refused(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("OPENAI_API_KEY=x\n")
    keys.chmod(0o640)
    with pytest.raises(UsageError, match=r"can be read by others \(mode 0640\)"):
        job_of(tmp_path, env_file=str(keys))
    keys.chmod(0o600)
    assert job_of(tmp_path, env_file=str(keys)).env_file == str(keys)


def test_only_names_are_read_from_a_file_of_variables(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("# A=1\nexport OPENAI_API_KEY=sk-x\n GEMINI_API_KEY='y'\nEMPTY=\nnonsense\n")
    assert variables_in(str(keys)) == {"OPENAI_API_KEY", "GEMINI_API_KEY"}


KEY_THERE = (
    "OPENAI_API_KEY is set here, and not there: cron starts with an environment of its own, and models without a "
    "key are skipped. Give --env-file FILE with lines NAME=value (mode 0600)."
)
SPENT = (
    "At most 288 probes per model and day while it is well (500 in any case), and $0.5 a day for all models "
    "together; most probes are free."
)


def test_what_differs_there_from_here_is_said(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    environ = {"OPENAI_API_KEY": "sk-canary", "GEMINI_API_KEY": " ", "https_proxy": "http://p"}
    said = list(caveats(job("/p", config, environ, cwd="/"), config, environ))
    assert said == [
        KEY_THERE,
        "HTTPS_PROXY of this shell will not be there: cron does not know it. Put it into --env-file.",
        SPENT,
    ]


def test_a_file_of_keys_leaves_nothing_to_say_of_them(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    (tmp_path / "keys").write_text("OPENAI_API_KEY=x\nHTTPS_PROXY=y\n")
    (tmp_path / "keys").chmod(0o600)
    environ = {"OPENAI_API_KEY": "sk-canary", "HTTPS_PROXY": "http://p"}
    found = job("/p", config, environ, cwd="/", env_file=str(tmp_path / "keys"))
    assert len(list(caveats(found, config, environ))) == 1


def test_a_job_without_any_key_is_said_to_be_one(tmp_path: Path) -> None:
    config = config_of(tmp_path)
    said = list(caveats(job("/p", config, {}, cwd="/", mail=True), config, {}))
    assert said[0].startswith("No key is set for the job")
    assert said[-1].startswith("cron mails the table")
    assert "enable-linger" in list(caveats(job("/p", config, {}, cwd="/"), config, {}, systemd=True))[-1]


def test_a_configuration_that_was_found_is_not_taken_along(tmp_path: Path) -> None:
    (tmp_path / "fallback.toml").write_text("[complexity]\nmedium_from = 100\n")
    environ = {"HOME": str(tmp_path)}
    config = load(None, environ=environ, cwd=tmp_path)
    found = job("/p", config, environ, cwd=str(tmp_path))
    assert "--config" not in found.words
    assert any("Give --config PATH to have it used" in one for one in caveats(found, config, environ))
