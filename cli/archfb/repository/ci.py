"""The shell commands that CI files run."""

from __future__ import annotations

import re

from archfb.repository.manifests.declared import below
from archfb.repository.manifests.purpose import bare, purpose_of
from archfb.repository.patterns import regex
from archfb.repository.records import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from archfb.repository.manifests.declared import View

_CI = regex(
    r"^(?:\.github/workflows/[^/]+\.ya?ml|\.gitlab-ci\.ya?ml|\.circleci/config\.ya?ml"
    r"|\.travis\.ya?ml|azure-pipelines\.ya?ml|\.?appveyor\.ya?ml"
    r"|\.woodpecker\.ya?ml|\.woodpecker/[^/]+\.ya?ml|\.drone\.ya?ml|\.cirrus\.ya?ml"
    r"|bitbucket-pipelines\.ya?ml|\.buildkite/[^/]+\.ya?ml|\.builds/[^/]+\.ya?ml"
    r"|\.forgejo/workflows/[^/]+\.ya?ml)$"
)
_KEY = regex(
    r"^(?P<indent>[ \t]*)(?:-[ \t]+)?(?P<key>run|script|before_script|install|test_script|command"
    r"|commands|build_script)[ \t]*:(?P<rest>[ \t].*|)$"
)
_CHORE = regex(
    r"(?:sudo[ \t]+)?(?:echo|printf|mv|cp|rm|mkdir|cat|cd|ls|tar|chmod|chown|sed|awk|export|set"
    r"|if|fi|for|done|while|then|else|apt(?:-get)?|brew|curl|wget|git|gh|test|\[+|ln|touch"
    r"|npx only-allow|corepack|choco|dnf|yum|apk|pacman|name:|uses:|if:|run:|shell:|env:|with:|\{"
    r"|\}|[A-Z_]+=\S*$|#)(?:[ \t]|$)"
)
_ASKS = regex(r" --(?:version|help|list[\w-]*|print[\w-]*|show[\w-]*|dry-run)(?![\w-])")  # does nothing
_OTHER_LANGUAGE = regex(
    r"^[ \t-]*(?:uses[ \t]*:[ \t]*\S*github-script@|shell[ \t]*:[ \t]*[\"']?(?:python|perl|node|ruby|julia|R)\b)"
)
_WORKS_IN = regex(r"^[ \t-]*working-directory[ \t]*:[ \t]*[\"']?([^\"'#\s]*)[\"']?[ \t]*(?:#.*)?$")
_GOES = regex(r"(?:cd|pushd)(?:[ \t]+([^\s;&|]*))?[ \t]*$|popd()[ \t]*$")
_UNKNOWN = regex(r"[$%~`*]|^/|^[A-Za-z]:")  # a folder that only the machine knows
_HERE_DOCUMENT = regex(r"<<-?[ \t]*[\"']?(\w+)")
_OTHERWISE = regex(r"[ \t]+\|\|[ \t]+")  # what is done where a command fails is not how to call it
_LONGEST = 500  # characters of a command that is worth showing
_STEP = 60  # lines of a step that are looked at for the language of its script


def commands(view: View) -> Iterator[Command]:
    """Return the commands of all CI files: those that test and build first, each with where it stands."""
    for path in sorted((path for path in view.paths if path[:1] in ".ab" and _CI.match(path)), key=_telling):
        for number, line in shell_lines(view.text(path)):
            line = _OTHERWISE.split(line, maxsplit=1)[0]
            if len(line) > _LONGEST or _CHORE.match(bare(line)) or _ASKS.search(line):
                continue
            purpose = purpose_of(line)
            if purpose not in (None, "release"):
                yield Command(purpose or "other", line, path, number, "ci")


def _telling(path: str) -> tuple[bool, str]:
    """Sort the workflows that test and build before those that publish, scan and greet."""
    return re.search(r"test|ci|build|main|check", path.rpartition("/")[2]) is None, path


def shell_lines(text: str) -> Iterator[tuple[int, str]]:
    """Return the shell lines of a CI file with their numbers, continued lines joined."""
    lines = text.split("\n")
    indents = [_indent(line) for line in lines]
    at = 0
    while at < len(lines):
        match = _KEY.match(lines[at])
        at += 1
        if match is None:
            continue
        key, rest = at - 1, match["rest"].split(" #")[0].strip()
        if rest and rest[0] not in "|>[{&*":
            yield from _placed(_step(lines, indents, key), [(at, _unquoted(rest))])
            continue
        if not rest and not _is_list(lines[at : at + 3]):
            continue  # a job or a step that is called so
        block = []
        indent = len(match["indent"].expandtabs())
        while at < len(lines) and (
            not lines[at].strip()
            or indents[at] > indent
            or (lines[at].lstrip().startswith("- ") and indents[at] == indent and rest == "")
        ):
            block.append((at + 1, lines[at].strip()))
            at += 1
        if block:
            yield from _placed(_step(lines, indents, key), _joined(block, folded=rest.startswith(">")))


def _placed(step: Sequence[str], commands: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Return a step's commands with the folder that they are called in below the top; none where it is no shell's."""
    if any(map(_OTHER_LANGUAGE.match, step)):
        return
    inside = home = _home(step)
    for number, line in commands:
        if (goes := _GOES.match(line)) is not None:
            to = (goes[1] or "").strip("\"'")
            inside = home if to in ("", "-") else to if _UNKNOWN.search(to) else below(inside, to)
        else:
            yield number, line if not inside or line.startswith("cd ") else f"cd {inside} && {line}"


def _home(step: Sequence[str]) -> str:
    """Return the folder that a step is run in, "" for the top."""
    found = next((found[1] for line in step if (found := _WORKS_IN.match(line))), "")
    return found if _UNKNOWN.search(found) else below("", found)


def _is_list(lines: Sequence[str]) -> bool:
    return next((line for line in map(str.strip, lines) if line), "").startswith("- ")


def _step(lines: Sequence[str], indents: Sequence[int], key: int) -> list[str]:
    """Return the lines of the step that a key belongs to which can hold its other keys."""
    begin = key
    while begin > max(0, key - _STEP) and not (
        (begin == key or indents[begin] < indents[key]) and lines[begin].lstrip().startswith("- ")
    ):
        begin -= 1
    step, found = indents[begin], []
    for at in range(begin, min(len(lines), key + _STEP)):
        if at > key and indents[at] <= step and lines[at].strip():
            break
        if indents[at] <= step + 4:
            found.append(lines[at])
    return found


def _unquoted(line: str) -> str:
    return (
        line[1:-1]
        if len(line) > 1 and line[0] in "\"'" and line[-1] == line[0] and line.count(line[0]) == 2
        else line
    )


def _indent(line: str) -> int:
    line = line.expandtabs()
    return len(line) - len(line.lstrip())


def _joined(block: list[tuple[int, str]], *, folded: bool) -> Iterator[tuple[int, str]]:
    start, parts = 0, []
    for number, line in block if folded else _outside_texts(block):
        line = line if folded else _unquoted(line.removeprefix("- ").strip())
        if not line or line.startswith("#"):
            continue
        start = start or number
        parts.append(line.rstrip("\\^`").strip() if _goes_on(line) else line)
        if not _goes_on(line) and not folded:
            yield start, " ".join(parts)
            start, parts = 0, []
    if parts:
        yield start, " ".join(parts)


def _goes_on(line: str) -> bool:
    """Return whether a command goes on in the next line: in a shell, in cmd or in PowerShell."""
    return line.endswith(("\\", " ^", " `"))


def _outside_texts(block: list[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Return the lines that are commands: not those inside a here-document or a quoted text of several lines."""
    until, quote = "", ""
    for number, line in block:
        if until:
            until = "" if line == until else until
            continue
        if quote:
            quote = "" if line.count(quote) % 2 else quote
            continue
        here = _HERE_DOCUMENT.search(line)
        until = here[1] if here else ""
        plain = line.replace('\\"', "").replace("\\'", "")
        if not until and not line.startswith("#"):
            quote = '"' if plain.count('"') % 2 and plain.endswith('"') else quote
            quote = "'" if plain.count("'") % 2 and plain.endswith("'") else quote
        yield number, line
