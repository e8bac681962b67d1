"""Mutants of the decision core: how many of them do its tests kill?

    nice python benchmarks/mutation.py [--modules breaker …] [--sample N] [--seed N] [--workers 2]

cosmic-ray (in an environment of its own) makes the mutants: each comparison, operator, number, constant, decorator
and loop of a module changed, one at a time. One that differs only in annotations, or in what is imported for them,
is the same program and is left out. Each of the others takes the module's place in a forked process that has loaded
everything but the core, and the core's own test files run until one fails; a process that takes too long counts as
killed. With `--sample` so many mutants are drawn by the seed. Survivors are shown with their line.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CORE = ROOT / "state" / "archfb_state" / "core"
MODULES = sorted(one.stem for one in CORE.glob("*.py") if one.stem != "__init__")
TESTS = sorted(
    str(ROOT / "tests" / "state" / f"test_{name}.py")
    for name in (
        "backoff", "balancer", "beta", "breaker", "complexity", "due", "holds", "latest", "machine", "preset",
        "retirement", "standing",
    )
)  # fmt: skip
LAST = str(ROOT / "tests" / "state" / "test_core_machine.py")
"""Random lives: the slowest, so they see only what all tables let through."""
CPU_S = 60
SEED = 20261128


@dataclass(frozen=True)
class Mutant:
    """One changed module."""

    module: str
    operator: str
    source: str

    def change(self) -> str:
        """Return the lines that are another, with the number of the first."""
        before = (CORE / f"{self.module}.py").read_text().splitlines()
        lines = list(unified_diff(before, self.source.splitlines(), n=0, lineterm=""))[2:]
        where = lines[0].split()[1].lstrip("-").split(",")[0]
        return f"{self.module}.py:{where} {self.operator.removeprefix('core/')}\n    " + "\n    ".join(lines[1:])


class _Unannotated(ast.NodeTransformer):
    """Takes away what no run of the program reads: annotations, and what is imported for them."""

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        node.annotation = ast.Constant(None)
        return self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        return None if "TYPE_CHECKING" in ast.dump(node.test) else self.generic_visit(node)


def program(source: str) -> str:
    """Return what a module's source does, without its annotations."""
    return ast.dump(_Unannotated().visit(ast.parse(source)))


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant that is another program."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = (CORE / f"{module}.py").read_text()
    nodes, same = list(ast_nodes(get_ast(source))), program(source)
    for name in sorted(operator_names()):
        kind: Any = get_operator(name)
        if getattr(kind, "arguments", tuple)():
            continue  # it replaces names that are given to it
        operator = kind()
        for occurrence in range(sum(len(list(operator.mutation_positions(node))) for node in nodes)):
            changed = mutate_code(source, operator, occurrence)
            if changed is not None and _another(changed, same):
                yield Mutant(module, name, changed)


def _another(source: str, same: str) -> bool:
    try:
        return program(source) != same
    except SyntaxError:
        return False


class Placed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads a mutant in its module's place."""

    def __init__(self, mutant: Mutant) -> None:
        """Know what to load."""
        self.mutant, self.name = mutant, f"archfb_state.core.{mutant.module}"

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> Any:  # noqa: ARG002
        """Say that this one loads it."""
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: Any) -> None:
        """Run the mutant's source."""
        exec(compile(self.mutant.source, str(CORE / f"{self.mutant.module}.py"), "exec"), module.__dict__)


def load_all_but_the_core() -> None:
    """Import what every child needs, so that it only loads the core and the tests."""
    for name in ("pytest", "hypothesis.stateful", "archfb_state.decisions", "archfb_state.settings"):
        importlib.import_module(name)
    assert not any(name.startswith("archfb_state.core.") for name in sys.modules)


def tested(mutant: Mutant | None, scratch: Path) -> int:
    """Run the tests in this process; the module's own come first. Never returns."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    signal.alarm(10 * CPU_S)
    import pytest

    first = f"test_{mutant.module}.py" if mutant else ""
    files = sorted(TESTS, key=lambda one: not one.endswith(first))
    if mutant:
        sys.meta_path.insert(0, Placed(mutant))
    loaded = "ignore:Module already imported"
    options = ["-x", "-q", "-W", loaded, "-p", "no:cacheprovider", f"--basetemp={scratch / str(os.getpid())}"]
    os._exit(int(pytest.main([*options, *files, LAST])))


def survivors(found: Sequence[Mutant], workers: int, scratch: Path) -> Iterator[tuple[Mutant, bool]]:
    """Yield each mutant and whether it survived, as they end."""
    waiting, running = list(reversed(found)), dict[int, Mutant]()
    while waiting or running:
        while waiting and len(running) < workers:
            mutant = waiting.pop()
            pid = os.fork()
            if pid == 0:
                tested(mutant, scratch)
            running[pid] = mutant
        pid, status = os.wait()
        shutil.rmtree(scratch / str(pid), ignore_errors=True)
        yield running.pop(pid), status == 0


def measure(options: argparse.Namespace, scratch: Path) -> None:
    """Make the mutants, test them and print the table."""
    found = [one for module in options.modules for one in mutants(module)]
    made = Counter(one.module for one in found)
    if options.sample:
        found = Random(options.seed).sample(found, min(options.sample, len(found)))
    load_all_but_the_core()
    if (pid := os.fork()) == 0:
        tested(None, scratch)
    if os.waitpid(pid, 0)[1] != 0:
        raise SystemExit("the tests fail without a mutant")
    tried, killed, began = Counter[str](), Counter[str](), time.monotonic()
    for mutant, lives in survivors(found, options.workers, scratch):
        tried[mutant.module] += 1
        killed[mutant.module] += not lives
        if lives:
            print(mutant.change(), flush=True)
    print(f"{'module':12} {'mutants':>8} {'tried':>6} {'killed':>7}")
    for module in options.modules:
        share = f"{killed[module] / tried[module]:7.1%}" if tried[module] else ""
        print(f"{module:12} {made[module]:8} {tried[module]:6} {share:>7}")
    whole = f"{killed.total() / max(1, tried.total()):.1%}"
    print(f"{'all':12} {made.total():8} {tried.total():6} {whole:>7}   seed {options.seed}, ", end="")
    print(f"{time.monotonic() - began:.0f} s")


def main() -> None:
    """Go on in the environment that has cosmic-ray, and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--modules", nargs="+", default=MODULES, choices=MODULES)
    parser.add_argument("--sample", type=int, default=0, help="mutants to draw; 0: all")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    if importlib.util.find_spec("cosmic_ray") is None:
        from peers import python_of

        python = python_of("mutation")
        os.execv(python, [python, __file__, *sys.argv[1:]])
    sys.path[:0] = [str(ROOT / part) for part in ("state", "tests")]
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as name:
        measure(options, Path(name))


if __name__ == "__main__":
    main()
