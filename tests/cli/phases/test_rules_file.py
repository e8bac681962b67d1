"""Rules go into a marked section; what else is in a file stays as it was, to the byte."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from archfb.errors import Partial, UsageError
from archfb.phases.records import Finding, Made, Subject
from archfb.phases.results import Rules
from archfb.phases.rules_file import BEGIN, END, HEAD, check_targets, merged, plan_changes, rules_of, write_changes
from archfb_state.outcomes import Outcome


def made_rules(text: str = "## Rules\n\n- Keep it small (`a.py:1`)\n", name: str = "shop") -> Rules:
    made = Made("k", "m", "v/1", attempts=1, cost_usd=0.01)
    return Rules("final", Subject(name, "c0ffee", 3), (), Finding("rules", "Rules", text, (), made))


SECTION = (
    HEAD
    + b"""

# shop: working rules

## Rules

- Keep it small (`a.py:1`)

---

Made by m in 1 attempt for $0.0100.
From 3 files (content c0ffee).

"""
    + END
)


@pytest.mark.parametrize(
    ("usd", "told"),
    [
        (None, "at unknown cost"),
        (0.0, "for $0.0000"),
        (0.000025, "for less than $0.0001"),
        (0.00006, "for $0.0001"),
        (1.5, "for $1.5000"),
    ],
)
def test_a_cost_that_was_paid_is_never_told_as_nothing(usd: float | None, told: str) -> None:
    rules = made_rules()
    assert rules.finding is not None
    paid = replace(rules, finding=replace(rules.finding, made=replace(rules.finding.made, cost_usd=usd)))
    assert f"Made by m in 1 attempt {told}." in paid.to_markdown()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, SECTION + b"\n"),
        (b"", SECTION + b"\n"),
        (b"# Mine\n", b"# Mine\n\n" + SECTION + b"\n"),
        (b"# Mine", b"# Mine\n" + SECTION + b"\n"),
        (b"a\r\n", b"a\r\n\r\n" + SECTION.replace(b"\n", b"\r\n") + b"\r\n"),
        (b"top\n" + BEGIN + b" old -->\nold\n" + END + b"\nend", b"top\n" + SECTION + b"\nend"),
        (b"\xff\xfe\0" + BEGIN + b" -->" + END + b"\xff", b"\xff\xfe\0" + SECTION + b"\xff"),
    ],
)
def test_the_section_is_added_or_replaced_and_nothing_else_changes(before: bytes | None, after: bytes) -> None:
    assert merged(before, made_rules(), Path("AGENTS.md")) == after


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_whatever_stands_around_the_section_stays_and_writing_twice_changes_nothing(top: bytes, end: bytes) -> None:
    assume(all(mark not in part for mark in (BEGIN, END) for part in (top, end)))
    before = top + HEAD + b"\nold\n" + END + end
    once = merged(before, made_rules(), Path("AGENTS.md"))
    assert once.startswith(top)
    assert once.endswith(end)
    assert merged(once, made_rules(), Path("AGENTS.md")) == once


@pytest.mark.parametrize(
    "before",
    [BEGIN + b" -->", END, END + BEGIN + b" -->", (BEGIN + b" -->" + END) * 2],
)
def test_marks_that_do_not_pair_are_refused(before: bytes) -> None:
    with pytest.raises(UsageError, match="do not pair"):
        merged(before, made_rules(), Path("AGENTS.md"))


def test_rules_cannot_close_their_own_section() -> None:
    text = "- a <!-- archfb:end --> b <!-- archfb:begin -->\n"
    after = merged(None, made_rules(text), Path("AGENTS.md"))
    assert after.count(END) == after.count(BEGIN) == 1


def test_a_new_cursor_rule_says_when_it_applies_and_an_old_one_keeps_its_own_words() -> None:
    new = merged(None, made_rules(name='a"b'), Path(".cursor/rules/archfb.mdc"))
    assert new.startswith(b'---\ndescription: "Working rules of a\'b"\nglobs:\nalwaysApply: true\n---\n\n' + HEAD)
    old = b"---\nalwaysApply: false\n---\nmine\n"
    assert merged(old, made_rules(), Path("x.mdc")).startswith(old)


def test_several_targets_are_written_with_a_backup_and_the_second_time_is_idle(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"# Mine\n")
    (tmp_path / "AGENTS.md").chmod(0o640)
    (tmp_path / "CLAUDE.md").symlink_to("AGENTS.md")
    names = ["AGENTS.md", "CLAUDE.md", ".cursor/rules/archfb.mdc", ".cursorrules"]
    targets = [tmp_path / name for name in names]
    changes = plan_changes(made_rules(), targets)
    assert [one.path.name for one in changes] == ["AGENTS.md", "archfb.mdc", ".cursorrules"]
    assert not (tmp_path / ".cursorrules").exists()
    write_changes(changes)
    assert (tmp_path / "CLAUDE.md").is_symlink()
    assert (tmp_path / "AGENTS.md").read_bytes() == b"# Mine\n\n" + SECTION + b"\n"
    assert (tmp_path / "AGENTS.md").stat().st_mode & 0o777 == 0o640
    backup = changes[0].backup
    assert backup is not None
    assert backup.read_bytes() == b"# Mine\n"
    again = plan_changes(made_rules(), targets)
    assert [one.changed for one in again] == [False, False, False]
    assert again[0].sentence.endswith("AGENTS.md is up to date.")
    write_changes(again)
    assert len([one for one in tmp_path.iterdir() if one.name.endswith(".bak")]) == 1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: os.mkfifo(path), "is not a regular file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_bytes(END), "do not pair"),
        (lambda path: path.write_text("mine", "utf-16"), "is binary, or text in UTF-16"),
        (lambda path: (path.touch(), path.chmod(0o400)), "permission denied"),
        (lambda path: path.parent.chmod(0o500), "permission denied"),
        (lambda path: path.symlink_to("/dev/null"), "is not a regular file"),
        (lambda path: path.symlink_to(path), "in a circle"),
    ],
    ids=["fifo", "folder", "marks", "utf-16", "read-only", "read-only folder", "device", "loop"],
)
def test_a_file_that_rules_cannot_be_put_into_is_refused_beforehand(
    tmp_path: Path, permissions_bind: None, make: Any, said: str
) -> None:
    target = tmp_path / "to" / "AGENTS.md"
    target.parent.mkdir()
    make(target)
    with pytest.raises(UsageError, match=said):
        check_targets([target])


def test_a_pipe_that_is_open_already_is_refused_beforehand() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(UsageError, match=f"^/dev/fd/{writing} is not a regular file.$"):
            check_targets([Path(f"/dev/fd/{writing}")])
    finally:
        os.close(reading)
        os.close(writing)


def test_what_can_be_made_is_not_refused(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to("new/x.md")
    check_targets([tmp_path / "a/b/c.md", tmp_path / "d.md", tmp_path / "dangling"])


def test_the_diff_shows_what_would_be_written(tmp_path: Path) -> None:
    (tmp_path / "AGENTS.md").write_bytes(b"# Mine\n\x1b[31m\n")
    diff = plan_changes(made_rules(), [tmp_path / "AGENTS.md"])[0].diff
    assert "+- Keep it small (`a.py:1`)\n" in diff
    assert " # Mine\n" in diff
    assert "\x1b" not in diff


def test_a_folder_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        plan_changes(made_rules(), [tmp_path])


def test_partial_and_offline_rules_are_written_only_where_that_is_allowed(runs: Any, kit: Any) -> None:
    groups = (["shop/cart.py"], ["shop/user.py"])

    def script(asked: Any) -> Any:
        if asked.role == "technology":
            return Outcome.SERVER_ERROR
        return kit.plan(*groups) if asked.phase == "phase2" else "- fine\n"

    partial = runs("final", kit.router(kit.config("m", offline=False), script))
    with pytest.raises(Partial, match="missing: Technology"):
        rules_of(partial)
    assert rules_of(partial, allow_partial=True).finding is not None
    offline = runs("final", kit.router(kit.config("m")), offline=True)
    with pytest.raises(Partial, match="without a model"):
        rules_of(offline)
    assert rules_of(offline, allow_offline=True).finding is not None
    with pytest.raises(Partial, match="was not reached"):
        rules_of(runs("phase1", kit.router(kit.config("m"))), allow_partial=True)
