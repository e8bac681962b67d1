"""What a setup.py says in its call of setup(), by its syntax tree alone: it is never run."""

from __future__ import annotations

import ast
import warnings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

_LONGEST = 1 << 18  # characters


def arguments(text: str) -> dict[str, Any] | str | None:
    """Return the arguments by name, a sentence on why the text cannot be parsed, None where setup() says nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about escapes in somebody else's strings
            module = ast.parse(text[:_LONGEST])
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"cannot be parsed: {error}"
    call = next((node for node in ast.walk(module) if isinstance(node, ast.Call) and _called(node) == "setup"), None)
    if call is None or not call.keywords:
        return None  # `setup()` alone: everything is in setup.cfg or pyproject.toml
    names = dict(_constants(module))
    return {keyword.arg: _literal(keyword.value, names) for keyword in call.keywords if keyword.arg}


def listed(value: object) -> list[Any]:
    """Return a list as it is, a text as its lines, anything else as nothing."""
    return value if isinstance(value, list) else value.splitlines() if isinstance(value, str) else []


def _called(node: ast.Call) -> str:
    return (
        node.func.id
        if isinstance(node.func, ast.Name)
        else node.func.attr
        if isinstance(node.func, ast.Attribute)
        else ""
    )


def _constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in module.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def _literal(node: ast.expr, names: Mapping[str, ast.expr], depth: int = 0) -> Any:
    """Return the value of a literal, of a name bound to one, or of a sum of such lists; None for the rest."""
    if depth > 20:
        return None
    if isinstance(node, ast.Name):
        return _literal(names[node.id], names, depth + 1) if node.id in names else None
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [_literal(value, names, depth + 1) for value in node.elts]
    if isinstance(node, ast.Dict):
        return {
            _literal(key, names, depth + 1): _literal(value, names, depth + 1)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, (ast.Constant, ast.Name))
        }
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [*listed(_literal(node.left, names, depth + 1)), *listed(_literal(node.right, names, depth + 1))]
    return node.value if isinstance(node, ast.Constant) else None
