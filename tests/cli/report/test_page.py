"""One page that needs nothing from elsewhere, and that nothing in the state can take over."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from processes import PATIENCE
from report_sample import HOSTILE, NOW, ODD, WEEK, configuration, sample

from archfb.door import enter
from archfb.errors import UsageError
from archfb.report import file, reading
from archfb.report.markup import Markup, el, joined, text
from archfb.report.page import page
from archfb_state.outcomes import Outcome
from archfb_state.records import Attempt
from archfb_state.settings import Settings
from archfb_state.storage.memory_store import MemoryStore


class Seen(HTMLParser):
    """What a browser finds: elements with attributes, and the text beside the style sheet."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    config = configuration(tmp_path_factory.mktemp("report"))
    return page(reading.read(config, sample(config, step=3600.0), {}, WEEK))


@pytest.fixture(scope="module")
def seen(made: str) -> Seen:
    return Seen(made)


def test_nothing_is_loaded_from_anywhere(made: str, seen: Seen) -> None:
    assert not {name for name, _ in seen.elements} & {
        "script",
        "link",
        "img",
        "iframe",
        "base",
        "object",
        "embed",
        "a",
    }
    for _, attributes in seen.elements:
        assert not {"src", "href", "xlink:href", "action", "style"} & set(attributes)
        assert not [name for name in attributes if name.startswith("on")]
    assert "http" not in re.sub(r"http-equiv", "", made)
    assert "url(" not in made
    assert "@import" not in made
    assert 'content="default-src &#x27;none&#x27;;' in made


def test_every_element_is_closed(seen: Seen) -> None:
    assert seen.open == []


def test_hostile_text_stays_text(made: str, seen: Seen) -> None:
    assert "<script" not in made
    assert "\x1b" not in made
    assert "\u202e" not in made
    words = "".join(seen.words)
    assert "</script><script>alert(1)</script>" in words
    assert ODD in words
    assert HOSTILE not in words


SAID = [
    *("archfb report", "3 of 3", "usable models", "Availability", "Latency", "p95", "Cost", "Hand-overs"),
    *("Changes of status", "unavailable", "Last runs", "failed: no model", "unfinished", "1 decision"),
    *("phase1, medium: deep; left out: swift", "A cell is an hour.", "2027-01-08 08:00 to 2027-01-15 08:00 UTC"),
]


@pytest.mark.parametrize("said", SAID)
def test_the_page_tells(said: str, seen: Seen) -> None:
    assert said in "".join(seen.words)


def test_each_model_has_a_strip_with_a_cell_an_hour(seen: Seen) -> None:
    cells = [attributes for name, attributes in seen.elements if name == "rect" and attributes.get("height") == "22"]
    assert len(cells) == 3 * (7 * 24 + 1)
    assert {attributes["class"] for attributes in cells} == {"ok", "bad", "none"}


def test_a_row_that_becomes_a_block_says_what_its_figures_are(seen: Seen) -> None:
    labels = [attributes.get("data-label") for name, attributes in seen.elements if name == "td"]
    assert labels[:8] == ["Model", "Status", "Reason", "Answered", "Errors", "Cost", "Seen", "Retry"]
    titles = [attributes.get("class") for name, attributes in seen.elements if name == "table"]
    assert titles[:2] == ["stacked", None]  # the legend of the cost has two short columns, which always fit
    assert titles[2:]
    assert set(titles[2:]) == {"stacked"}


def test_every_other_label_of_time_can_give_way(seen: Seen) -> None:
    below = [one for name, one in seen.elements if name == "text" and one.get("text-anchor") == "start"]
    kept = [one for one in below if one.get("class") != "between"]
    assert len(below) == 3 * 6 + 8
    assert len(kept) == len(below) // 2


def test_hand_overs_and_cost_are_added_up(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    found = reading.read(config, sample(config, step=7200.0), {}, WEEK)
    assert [one[:3] for one in found.handovers] == [("phase1", "swift", "deep")]
    attempts = sum(period.cost_usd or 0.0 for period in found.history.periods)
    assert sum(found.cost.values()) == pytest.approx(attempts, rel=0.02)


@pytest.mark.parametrize(("usd", "told"), [(None, "unknown"), (0.0, "$0"), (0.5, "$0.50")])
def test_a_cost_that_nobody_knows_is_not_nothing(tmp_path: Path, usd: float | None, told: str) -> None:
    store = MemoryStore(clock=lambda: NOW)
    one = Attempt(
        "a", "c", "swift", "d", "a", "h", "phase1", "call", Outcome.OK, NOW - 9, NOW - 8, 800.0, cost_usd=usd
    )
    store.record([one], Settings())
    made = page(reading.read(configuration(tmp_path), store, {}, WEEK))
    assert f'<div class="card"><b>{told}</b>cost</div>' in made


def test_an_empty_state_has_a_page_too(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    words = "".join(Seen(page(reading.read(config, MemoryStore(clock=lambda: NOW), {}, WEEK))).words)
    for said in (
        "Nothing was recorded in that time.",
        "Nothing was answered in that time.",
        "Nothing cost anything, as far as prices are known.",
        "No call was handed over.",
        "No model changed its status.",
        "No run in that time.",
    ):
        assert said in words


def test_a_long_time_is_told_from_sums(tmp_path: Path) -> None:
    config = configuration(tmp_path)
    words = "".join(Seen(page(reading.read(config, sample(config, step=7200.0), {}, 300 * 86400.0))).words)
    assert "Read from hourly sums, so rough." in words
    assert "A cell is a week." in words


def test_markup_escapes_what_is_not_markup() -> None:
    assert el("p", "<b>", Markup("<i>"), None, 1.5, title="\"'") == '<p title="&quot;&#x27;">&lt;b&gt;<i>1.5</p>'
    assert el("rect", x=1.0, y=0.25) == '<rect x="1" y="0.2"/>'
    assert joined("a", text("&")) == "a&amp;"


def test_a_page_is_there_whole_or_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "r.html"
    file.write(str(target), "one")
    assert oct(target.stat().st_mode & 0o777) == "0o600"
    target.chmod(0o644)
    file.write(str(target), "two")
    assert (target.read_text(), oct(target.stat().st_mode & 0o777)) == ("two", "0o644")
    with pytest.raises(UsageError, match="Cannot write"):
        file.write(str(target), "\ud800")
    assert target.read_text() == "two"
    assert [one.name for one in tmp_path.iterdir()] == ["r.html"]


def test_a_link_is_followed_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    file.write(str(tmp_path / "link.html"), "new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "new"


MISTAKES = [
    (["--out", "."], "is a folder; expected a file"),
    (["--out", "nowhere/r.html"], "nowhere is no folder."),
    (["--out", "r.html", "--since", "x"], "--since must be a span of time"),
    ([], "Missing option '--out'."),
]


@pytest.mark.parametrize(("words", "said"), MISTAKES, ids=[" ".join(one[0]) for one in MISTAKES])
def test_mistakes_are_told(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert enter(["report", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
@pytest.mark.parametrize("theme", ["0", "1"], ids=["dark", "light"])
def test_a_browser_shows_it_without_a_complaint(made: str, tmp_path: Path, theme: str) -> None:
    (tmp_path / "r.html").write_text(made)
    ended = subprocess.run(
        [
            *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0"),
            *(f"--blink-settings=preferredColorScheme={theme}", f"--user-data-dir={tmp_path}/profile"),
            *("--window-size=900,2000", f"--screenshot={tmp_path}/shot.png", f"file://{tmp_path}/r.html"),
        ],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert (tmp_path / "shot.png").stat().st_size > 20_000, ended.stderr[-2000:]
    assert "CONSOLE" not in ended.stderr


@pytest.mark.parametrize("name", ["/dev/fd/1", "/dev/stderr"])
def test_a_stream_of_the_process_is_written_to_though_it_is_a_pipe(name: str, tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "archfb", "--state", str(tmp_path / "s.db"), "report", "--out", name, "-q"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    page, other = (ended.stderr, ended.stdout) if name == "/dev/stderr" else (ended.stdout, ended.stderr)
    assert (ended.returncode, other) == (0, "")
    assert page.startswith("<!DOCTYPE html>")
    assert page.rstrip().endswith("</html>")


def test_what_is_appended_to_stays(tmp_path: Path) -> None:
    kept = tmp_path / "page.html"
    kept.write_text("before\n")
    with kept.open("a") as opened:
        file.write(f"/dev/fd/{opened.fileno()}", "page")
    assert kept.read_text() == "before\npage"


def test_a_pipe_with_a_name_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    file.write(str(pipe), "page")
    assert os.read(reading, 100) == b"page"
    os.close(reading)
    assert pipe.is_fifo()


def test_a_file_that_is_not_open_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^Cannot write /dev/fd/987654: Bad file descriptor\.$"):
        file.write("/dev/fd/987654", "page")


def test_a_dash_is_stdout(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert enter(["report", "--out", "-"]) == 0
    out = capsys.readouterr().out
    assert out.lower().startswith("<!doctype html>")
    assert list(tmp_path.glob("-*")) == []
