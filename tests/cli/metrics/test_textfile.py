"""The textfile: replaced whole, readable, and refused with its reason (row 75)."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from archfb.metrics.textfile import Unwritable, write


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_file_is_put_there_readable_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "archfb.prom"
    before = os.umask(0o077)
    try:
        write(str(path), "x 1\n☃ 2\n")
    finally:
        os.umask(before)
    assert path.read_text("utf-8") == "x 1\n☃ 2\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert names(tmp_path) == ["archfb.prom"]


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path: Path) -> None:
    path = tmp_path / "archfb.prom"
    write(str(path), "old 1\n")
    with path.open() as reader:
        write(str(path), "new 2\n")
        assert reader.read() == "old 1\n"
    assert path.read_text() == "new 2\n"


def test_a_path_without_a_folder_is_in_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("archfb.prom", "x 1\n")
    assert (tmp_path / "archfb.prom").read_text() == "x 1\n"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("archfb.txt", "its name must end in .prom"),
        ("prom", "its name must end in .prom"),
        (".prom", "its name must end in .prom"),
        ("gone/archfb.prom", "FOLDER/gone is no folder"),
        ("folder.prom", "it is a directory"),
        ("link.prom", "it is a symbolic link; name the file itself"),
        ("pipe.prom", "it is no regular file"),
        (f"{'x' * 300}.prom", "File name too long"),
    ],
)
def test_row_75_what_cannot_be_replaced_is_refused_with_its_reason(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "folder.prom").mkdir()
    (tmp_path / "link.prom").symlink_to(tmp_path / "target.prom")
    os.mkfifo(tmp_path / "pipe.prom")
    path = str(tmp_path / name)
    with pytest.raises(Unwritable) as caught:
        write(path, "x 1\n")
    said = caught.value.message.replace(str(tmp_path), "FOLDER")
    assert said == f"Cannot write FOLDER/{name} atomically: {reason}."
    assert caught.value.exit_code == 3
    assert names(tmp_path) == ["folder.prom", "link.prom", "pipe.prom"]


@pytest.mark.usefixtures("permissions_bind")
def test_row_75_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Unwritable, match=r"atomically: Permission denied\."):
        write(str(tmp_path / "a.prom"), "")


def test_row_75_a_file_system_that_takes_nothing() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc here")
    with pytest.raises(Unwritable, match=r"Cannot write /proc/archfb\.prom atomically: .+\."):
        write("/proc/archfb.prom", "x 1\n")


def test_a_failed_write_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "archfb.prom"
    write(str(path), "old 1\n")
    with pytest.raises(UnicodeEncodeError):
        write(str(path), "\ud800")
    assert path.read_text() == "old 1\n"
    assert names(tmp_path) == ["archfb.prom"]
