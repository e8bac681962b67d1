"""The pages on the inside: their code runs, their commands work, and what they name is there."""

from __future__ import annotations

import asyncio
import doctest
import re
import shlex
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from asking import ROOM, target_at
from processes import archfb
from scripted_server import ScriptedServer, ServerThread

from archfb.providers.exchange import Question
from archfb.providers.transport import Transport
from archfb.providers.wires import WIRES, Wire
from archfb_state.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = {name: (ROOT / "docs" / name).read_text("utf-8") for name in ("architecture.md", "adding-a-provider.md")}
PROVIDER = PAGES["adding-a-provider.md"]
HOMES = ("", "cli/archfb/", "state/archfb_state/", "state/archfb_state/storage/")


def block(language: str) -> str:
    """Return the one block of a language on the page about providers."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PROVIDER, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = set(re.findall(r"`([\w/.]+\.(?:py|toml))`", PAGES[page])) - {"cli/archfb/providers/parrot.py"}
    folders = set(re.findall(r"`([\w/]+/)`", PAGES[page]))
    assert named
    assert [one for one in named | folders if not any((ROOT / home / one).exists() for home in HOMES)] == []


@pytest.mark.parametrize("page", [path.name for path in (ROOT / "docs").glob("*.md")])
def test_every_link_of_a_page_leads_somewhere(page: str) -> None:
    text = (ROOT / "docs" / page).read_text("utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (ROOT / "docs" / target).exists(), target


def test_the_floors_are_those_of_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    told = [part.split("\n") for part in re.findall(r"```text\n(\w[^┌]*?)\n```", PAGES["architecture.md"])]
    assert told == [one["layers"] for one in reversed(contracts) if one["type"] == "layers"]


def test_the_table_of_packages_names_packages() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGES["architecture.md"], re.MULTILINE)
    folder = ROOT / "cli" / "archfb"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert packages <= set(named)
    assert [one for one in named if not ((folder / one).is_dir() or (folder / f"{one}.py").exists())] == []


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Path]:
    """Return a folder with the page's configuration, its server on another port."""
    with ServerThread({"models": {"coder-32b": [{"text": "Hello."}]}}) as server:
        text = block("toml")
        assert "http://127.0.0.1:8000" in text
        (tmp_path / "lab.toml").write_text(text.replace("http://127.0.0.1:8000", server.url))
        yield tmp_path


def test_the_commands_for_a_server_of_a_known_protocol_work(lab: Path) -> None:
    lines = block("sh").splitlines()
    ended = [archfb(*shlex.split(line)[1:], cwd=lab) for line in lines]
    assert [one.returncode for one in ended] == [0, 0, 0, 0], [one.stderr for one in ended]
    assert "lab-coder" in ended[1].stdout
    assert ended[2].stdout == "Hello.\n"


@pytest.fixture
def parrot() -> dict[str, Any]:
    """Return the names of the page's own protocol."""
    names: dict[str, Any] = {}
    exec(compile(block("python"), "docs/adding-a-provider.md", "exec"), names)
    return names


def test_the_protocol_of_the_page_reads_what_is_shown(parrot: dict[str, Any]) -> None:
    example = doctest.DocTestParser().get_doctest(block("pycon"), parrot, "provider", "adding-a-provider.md", 0)
    told: list[str] = []
    assert doctest.DocTestRunner().run(example, out=told.append).failed == 0, "".join(told)


def test_the_protocol_of_the_page_is_spoken_over_a_socket(
    parrot: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(WIRES, "openai-chat", Wire(parrot["request"], parrot["read"]))
    body = {"words": "Hello.", "why": "finished", "used": {"in": 3, "out": 2}}

    async def main() -> None:
        async with ScriptedServer({"paths": {"/v1/talk": [{"body": body}]}}) as server, Transport() as transport:
            reply = await transport.ask(target_at(server.url), Question("hi"), ROOM)
        assert (reply.outcome, reply.text, reply.usage.output_tokens) == (Outcome.OK, "Hello.", 2)
        assert server.requests[-1]["body"] == {"model": "m", "say": "hi", "limit": None}

    asyncio.run(main())
