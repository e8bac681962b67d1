from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import PATIENCE
from sample_repositories import git, planted, write

from archfb.errors import RepositoryError
from archfb.phases.records import Finding, Made, Subject
from archfb.phases.results import Rules
from archfb.phases.rules_file import merged
from archfb.repository import cache as caching
from archfb.repository import rows
from archfb.repository.cache import ANALYSER, Cache
from archfb.repository.own import backup_mark, without
from archfb.repository.read import read_repository
from archfb.repository.record import changed
from archfb.repository.records import ReadLimits, Repository

FILES: dict[str | bytes, str | bytes] = {
    "src/p/__init__.py": "from .core import run\n",
    "src/p/core.py": "from . import text\nimport json\n\n\ndef run():\n    return text.clean(1)\n",
    "src/p/text.py": "def clean(x):\n    return x\n",
    "tests/test_core.py": "from p.core import run\n",
    "pyproject.toml": '[project]\nname = "p"\ndependencies = ["rich"]\n',
    "README.md": "# P\n",
    ".env": "A=1\n",
    "logo.png": b"\x89PNG\0\0",
}


def read(folder: Path, tmp_path: Path, **options: object) -> Repository:
    return read_repository(folder, cache_dir=tmp_path / "cache", **options)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return planted(tmp_path / "repository", FILES, commit=True)


def aged(folder: Path) -> None:
    """Make every file old enough to be told by its times."""
    for path in folder.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            os.utime(path, ns=(1_600_000_000_000_000_001, 1_600_000_000_000_000_001))


def test_a_repository_is_read(folder: Path, tmp_path: Path) -> None:
    repo = read(folder, tmp_path)
    assert [file.path for file in repo.ranked()][:3] == ["src/p/text.py", "src/p/core.py", "src/p/__init__.py"]
    core = repo.by_path["src/p/core.py"]
    assert (core.kind, core.language, core.role, core.lines, core.layer) == ("text", "Python", "source", 6, 1)
    assert (core.imports, core.importers, core.tracked) == (("src/p/text.py",), 2, True)
    assert core.hash == git(folder, "hash-object", "src/p/core.py").decode().strip()
    assert (repo.name, repo.listing, repo.commit) == (
        "repository",
        "git",
        git(folder, "rev-parse", "HEAD").decode().strip(),
    )
    assert [(one.name, one.files) for one in repo.languages] == [("Python", 4)]
    assert [one.name for one in repo.dependencies] == ["rich"]
    assert repo.layers == (("src/p/text.py",), ("src/p/core.py",), ("src/p/__init__.py", "tests/test_core.py"))
    assert (repo.churn.commits, repo.churn.complete, len(repo.churn.files)) == (1, True, 8)
    assert repo.withheld == (".env",)
    assert repo.text(".env") is None
    assert repo.by_path["logo.png"].kind == "binary"
    assert [one.path for one in repo.files if "src/p/text.py" in one.imports] == ["src/p/core.py"]
    assert [(one.line, one.name) for one in repo.outline("src/p/core.py")] == [(5, "run")]


def test_facts_that_another_version_kept_are_not_taken_for_ours(folder: Path, tmp_path: Path) -> None:
    blob = bytes.fromhex(git(folder, "hash-object", "src/p/core.py").decode().strip())
    cache = Cache(tmp_path / "kept")
    for key in (blob + b"core.py", bytes([ANALYSER - 1]) + blob + b"core.py"):
        cache.keep_facts({key: rows.dump([("binary", 1, 1, "Ruby")])})
    assert len(cache.facts([blob + b"core.py"])) == 1
    cache.close()
    core = read_repository(folder, cache_dir=tmp_path / "kept").by_path["src/p/core.py"]
    assert (core.language, core.kind) == ("Python", "text")


def test_two_readings_are_equal_cold_or_warm_here_or_elsewhere(folder: Path, tmp_path: Path) -> None:
    aged(folder)
    first = read(folder, tmp_path)
    assert read(folder, tmp_path) == first
    assert read_repository(folder, cache_dir=tmp_path / "other") == first
    subprocess.run(["git", "clone", "-q", str(folder), str(tmp_path / "clone")], check=True)
    again = read(tmp_path / "clone", tmp_path)
    assert again.files == first.files
    assert again.content_id == first.content_id


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("src/p/text.py", "def clean(x):\n    return x + 1\n"),
        ("src/p/text.py", "from . import core\n"),
        ("src/p/text.py", b"\0"),
        ("pyproject.toml", '[project]\nname = "q"\n'),
        ("README.md", "# Other\n"),
        ("src/p/new.py", "import p.text\n"),
        (".gitattributes", "*.py linguist-vendored\n"),
        (".gitignore", "README.md\n"),
        ("logo.png", "text now\n"),
        (".env", "B=2\n"),
    ],
)
def test_after_any_change_the_warm_reading_equals_a_cold_one(
    folder: Path, tmp_path: Path, path: str, content: str | bytes
) -> None:
    aged(folder)
    before = read(folder, tmp_path)
    write(folder, {path: content})
    warm = read(folder, tmp_path)
    assert warm == read_repository(folder, cache_dir=tmp_path / "other")
    assert warm.content_id != before.content_id
    write(folder, FILES)
    if path not in FILES:
        (folder / path).unlink()
    assert read(folder, tmp_path) == before


SECTION = b"<!-- archfb:begin (x) -->\n\nrules\n\n<!-- archfb:end -->"
ORIGIN = "---\n\nMade by m in 1 attempt for $0.0100.\nFrom 8 files at commit c0ffee (content 0123456789ab).\n"
FRONT = b'---\ndescription: "Working rules of p"\nglobs:\nalwaysApply: true\n---\n\n'
OWN: dict[str | bytes, str | bytes] = {
    "AGENTS.md": SECTION + b"\n",
    ".cursor/rules/p.mdc": FRONT + SECTION + b"\n",
    ".cursorrules": SECTION,
    "out/phase4.md": "# p: Synthesis\n\n" + ORIGIN,
    "out/run.json": '{\n "schema": 1,\n "ok": true,\n "run_id": "c0ffee"\n}\n',
    ".archfb/archfb.db": b"SQLite format 3\0" + bytes(52) + b"arfb" + bytes(2 << 20),
    ".archfb/archfb.db-wal": b"\x37\x7f\x06\x82" + bytes(40),
    ".archfb/archfb.db-shm": b"\x18\xe2\x2d\x00" + bytes(40),
    ".archfb/archfb.db-lock": b"2022       1795875467.885\n",
    ".archfb/log.jsonl": b'{"at":"2026-11-28T14:17:45.268Z","event":"run"}\n',
    f"README.md.{backup_mark(bytes(FILES['README.md'], 'ascii'))}.bak": FILES["README.md"],
    "README.md": b"# P\n\n" + SECTION + b"\n",
}
"""What the program writes into a repository; the last one into a file that is there already."""

FOREIGN: dict[str | bytes, str | bytes] = {
    "out/phase4.md": "# Moon\n\nFrom 8 files.\n",
    "out/run.json": '{"schema": 1, "ok": true}\n',
    "README.md.01234567.bak": "# P\n",
    "NEWS.md": "It writes `<!-- archfb:begin`.\n",
    "other.db": b"SQLite format 3\0" + bytes(84),
    "flock-lock": b"1\n",
    "log.jsonl": b'{"at":"noon","event":"run"}\n',
}
"""What only looks like it."""


def test_what_this_program_wrote_is_no_part_of_the_repository(folder: Path, tmp_path: Path) -> None:
    aged(folder)
    before = read(folder, tmp_path)
    write(folder, OWN)
    aged(folder)
    for cache in ("cache", "cache", "cold"):
        repo = read_repository(folder, cache_dir=tmp_path / cache)
        assert repo.content_id == before.content_id
        assert [changed(one, size=0) for one in repo.files] == [changed(one, size=0) for one in before.files]
        assert repo.text("README.md") == before.text("README.md")
        assert (repo.conventions, repo.layers) == (before.conventions, before.layers)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "rules")
    assert read(folder, tmp_path).content_id == before.content_id
    write(folder, {"AGENTS.md": b"# Mine\n\n" + SECTION + b"\n", **FOREIGN})
    after = {one.path for one in read(folder, tmp_path).files} - {one.path for one in before.files}
    assert after == {"AGENTS.md", *map(str, FOREIGN)}


@pytest.mark.parametrize("before", [b"# Mine", b"# Mine\n", b"a\r\nb\r\n", b"\xef\xbb\xbfa", b"\n", b" \n\n"])
def test_a_section_leaves_the_content_of_the_file_that_it_was_put_into(before: bytes) -> None:
    rules = Rules("final", Subject("p", "c0ffee", 3), (), Finding("rules", "Rules", "- a\n", (), Made("k", "m", "v")))
    assert without("CLAUDE.md", merged(before, rules, Path("CLAUDE.md"))) == (before if before.strip() else None)


def test_a_file_removed_or_a_commit_more_is_seen(folder: Path, tmp_path: Path) -> None:
    aged(folder)
    read(folder, tmp_path)
    git(folder, "commit", "-q", "--allow-empty", "-m", "second")
    assert read(folder, tmp_path).churn.commits == 1
    assert read(folder, tmp_path).commit == git(folder, "rev-parse", "HEAD").decode().strip()
    (folder / "src/p/text.py").unlink()
    repo = read(folder, tmp_path)
    assert [(one.reason, one.names) for one in repo.skipped] == [("missing", ("src/p/text.py",))]
    assert "1 file skipped (1 missing)" in repo.notes


def test_a_change_within_one_tick_of_the_clock_is_seen(folder: Path, tmp_path: Path) -> None:
    read(folder, tmp_path)
    status = (folder / "src/p/text.py").stat()
    (folder / "src/p/text.py").write_text("def clean(y):\n    return y\n")
    os.utime(folder / "src/p/text.py", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert [one.text for one in read(folder, tmp_path).outline("src/p/text.py")] == ["def clean(y):"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("x"), "is a file; expected a folder"),
        (lambda path: path.mkdir(), "is empty: it holds no files"),
        (lambda path: planted(path, {}), "is empty: it holds no files"),
        (lambda path: (path.mkdir(), (path / "link").symlink_to("/etc/passwd")), "is empty: it holds no files"),
    ],
)
def test_a_path_that_is_missing_a_file_or_empty_is_named_so(
    tmp_path: Path, make: object, said: str
) -> None:  # row 80
    make(tmp_path / "it")  # type: ignore[operator]
    with pytest.raises(RepositoryError, match=said) as raised:
        read(tmp_path / "it", tmp_path)
    assert str(tmp_path / "it") in raised.value.message
    assert raised.value.exit_code == 2
    assert raised.value.hint


def test_a_plain_folder_without_git_is_read_too(tmp_path: Path) -> None:
    write(tmp_path / "plain", FILES)
    repo = read(tmp_path / "plain", tmp_path)
    assert (repo.listing, repo.commit, repo.churn.commits, len(repo.files)) == ("walk", None, 0, 8)


def test_skips_are_counted_by_reason(tmp_path: Path) -> None:  # row 81
    folder = planted(tmp_path / "r", {"a.py": "x"})
    for number in range(8):
        (folder / f"l{number}").symlink_to(["/etc/passwd", f"l{number}", ".."][number % 3])
    for number in range(4):
        os.mkfifo(folder / f"p{number}")
    notes: list[str] = []
    repo = read(folder, tmp_path, on_note=notes.append)
    assert notes == ["12 files skipped (8 links, 4 special)"]
    assert [file.path for file in repo.files] == ["a.py"]


def test_odd_names_are_read_and_kept_apart(tmp_path: Path) -> None:  # row 82
    names = [b"new\nline.py", b"\x1b[31m.py", b"bad\xff.py", b"l" * 252 + b".py", "ünï.py".encode(), b"-rf", b"a\tb"]
    folder = planted(tmp_path / "r", dict.fromkeys(names, "def f(): ...\n"), commit=True)
    repo = read(folder, tmp_path)
    assert {file.path.encode("utf-8", "surrogateescape") for file in repo.files} == set(names)
    assert all(repo.text(file.path) is not None for file in repo.files)
    assert read(folder, tmp_path) == repo


def test_a_sparse_file_of_ten_gigabytes_costs_one_megabyte(tmp_path: Path) -> None:  # row 83
    folder = planted(tmp_path / "r", {"a.py": "x\n", "big.txt": "words\n" * 10})
    os.truncate(folder / "big.txt", 10 << 30)
    repo = read(folder, tmp_path)
    assert (repo.by_path["big.txt"].size, repo.by_path["big.txt"].whole, repo.by_path["big.txt"].kind) == (
        10 << 30,
        False,
        "binary",
    )
    assert repo.notes == ("Stopped at limit 1,048,576 bytes in 1 larger file; use --max-file-size",)


def test_beyond_the_limit_files_are_counted_exactly(tmp_path: Path) -> None:
    folder = planted(tmp_path / "r", {f"{number:03}.py": "x" for number in range(30)})
    repo = read(folder, tmp_path, limits=ReadLimits(files=10))
    assert (len(repo.files), repo.not_listed) == (10, 20)


def test_an_override_gives_one_file_free(folder: Path, tmp_path: Path) -> None:  # row 85
    assert read(folder, tmp_path).text(".env") is None
    free = read(folder, tmp_path, allow=[".env"])
    assert free.withheld == ()
    assert (free.text(".env") or pytest.fail("withheld")).text == "A=1\n"


def test_nothing_of_the_repository_is_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    evil = f"import pathlib; pathlib.Path({str(canary)!r}).touch()\n"
    ruby = f"File.write({str(canary)!r}, '')\n"
    folder = planted(
        tmp_path / "r",
        {"setup.py": evil, "conftest.py": evil, "Gemfile": ruby, "x.gemspec": ruby, "noxfile.py": evil},
    )
    read(folder, tmp_path)
    assert not canary.exists()


# ---- the cache


def test_the_cache_is_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    read(folder, tmp_path)
    assert stat.S_IMODE((tmp_path / "cache").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "cache" / caching.NAME).stat().st_mode) == 0o600


def test_the_default_cache_lies_in_the_users_cache_folder(folder: Path, home: Path) -> None:
    read_repository(folder)
    assert (home / "cache" / "archfb" / caching.NAME).is_file()


def foreign(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("create table theirs (x)")
    db.close()


SPOILERS = {
    "text": lambda path: path.write_text("no database at all, but long enough to be read as one" * 100),
    "empty": lambda path: path.write_bytes(b""),
    "foreign": foreign,
    "cut": lambda path: path.write_bytes(path.read_bytes()[: 4096 + 100]),
    "overwritten": lambda path: path.write_bytes(path.read_bytes()[:100] + b"\xff" * (path.stat().st_size - 100)),
}


@pytest.mark.parametrize("how", SPOILERS)
def test_a_spoilt_cache_is_dropped_and_made_anew(folder: Path, tmp_path: Path, how: str) -> None:
    aged(folder)
    first = read(folder, tmp_path)
    path = tmp_path / "cache" / caching.NAME
    if how == "foreign":
        path.unlink()
    SPOILERS[how](path)
    assert read(folder, tmp_path) == first
    assert read(folder, tmp_path) == first


def test_a_spoilt_cache_that_another_process_dropped_first_is_made_anew(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, connected, tries = read(folder, tmp_path), caching._connected, []

    def dropped(path: str) -> sqlite3.Connection:
        tries.append(path)
        if len(tries) == 1:
            Path(path).unlink()
            raise sqlite3.DatabaseError("file is not a database")
        return connected(path)

    monkeypatch.setattr(caching, "_connected", dropped)
    assert read(folder, tmp_path) == first
    assert len(tries) >= 2


def test_a_picture_whose_bytes_changed_is_not_believed(folder: Path, tmp_path: Path) -> None:
    aged(folder)
    first = read(folder, tmp_path)
    with sqlite3.connect(tmp_path / "cache" / caching.NAME) as db:
        db.execute("update pictures set content = replace(content, 'core', 'cure')")
        db.execute("update facts set content = 'null'")
    db.close()
    assert read(folder, tmp_path) == first


def test_a_text_with_a_nul_is_the_same_when_it_comes_from_the_cache(folder: Path, tmp_path: Path) -> None:
    (folder / "package.json").write_text('{"name": "p", "description": "a\\u0000b"}')
    (folder / "src" / "p" / "odd.py").write_bytes(b"#" * 9_000 + b"\nimport a\0b, text\n")
    aged(folder)
    first = read(folder, tmp_path, clock=lambda: time.time_ns() + 1_000_000_000)
    assert first.manifests[0].description == "a\N{SYMBOL FOR NULL}b"
    assert read(folder, tmp_path) == first


@pytest.mark.parametrize("place", ["/proc/no/such", "/dev/null/x"])
def test_without_a_place_for_the_cache_everything_is_read(folder: Path, tmp_path: Path, place: str) -> None:
    assert read_repository(folder, cache_dir=Path(place)) == read(folder, tmp_path)


WORKER = """
import sys
from pathlib import Path
from archfb.repository.read import read_repository
for _ in range(5):
    print(read_repository(Path(sys.argv[1]), cache_dir=Path(sys.argv[2])).content_id)
"""


def test_processes_share_the_cache_from_its_first_moment(folder: Path, tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", WORKER, str(folder), str(tmp_path / "shared")]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ) for _ in range(4)
    ]
    said = [worker.communicate(timeout=PATIENCE) for worker in workers]
    assert [error for _, error in said] == [b""] * 4
    assert len({line for output, _ in said for line in output.splitlines()}) == 1
    with sqlite3.connect(tmp_path / "shared" / caching.NAME) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
        assert db.execute("select count(*) from facts").fetchone() == (len(FILES),)
    db.close()


def test_the_reader_imports_nothing_heavy() -> None:
    heavy = {
        "httpx",
        "rich",
        "pydantic",
        "sqlite_utils",
        "asyncio",
        "platformdirs",
        "pathspec",
        "identify",
        "genai_prices",
        "typer",
    }
    program = f"import sys, archfb.repository.read, archfb.repository.pack; print({heavy} & sys.modules.keys())"
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environ, check=True)
    assert done.stdout == "set()\n"


def test_an_unchanged_repository_is_read_without_what_takes_longer_to_load(folder: Path, tmp_path: Path) -> None:
    aged(folder)
    read(folder, tmp_path, clock=lambda: time.time_ns() + 1_000_000_000)  # no file is young any more
    program = (
        "import sys; before = set(sys.modules)\n"
        "from archfb.repository.read import read_repository\n"
        f"print(len(read_repository({str(folder)!r}, cache_dir={str(tmp_path / 'cache')!r}).files))\n"
        "heavy = {'re', 'json', 'pathlib', 'datetime', 'contextlib', 'archfb.errors', 'archfb.repository.study'}\n"
        "print(heavy & (set(sys.modules) - before))"
    )
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, env=environ)
    assert (done.stdout, done.stderr) == (f"{len(FILES)}\nset()\n", "")
