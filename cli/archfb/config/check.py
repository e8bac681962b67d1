"""Whether each layer, and what they make together, can be meant. Every problem is found, none is raised."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from archfb.config import shown
from archfb.config.kinds import problem_of
from archfb.config.model import PHASES
from archfb.config.schema import NAMED, TABLES, Setting, setting
from archfb.config.shown import KEY_IN_FILE, NAME_LIMIT, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Problem(NamedTuple):
    """One mistake: the keys it stands at, the sentence, and which element of a list is meant."""

    path: tuple[str, ...]
    text: str
    element: int | None = None


class Checked:
    """What of a layer can be used, as table → key → value or table → name → key → value."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.tables: dict[str, dict[str, Any]] = {}
        self.problems: list[Problem] = []

    def note(self, path: tuple[str, ...], text: str, element: int | None = None) -> None:
        """Keep one more problem."""
        self.problems.append(Problem(path, text, element))


def check_layer(raw: Mapping[str, Any]) -> Checked:
    """Return what can be used of one file, and each thing in it that is unknown, of a wrong type or out of bounds."""
    checked = Checked()
    for table, content in raw.items():
        if table in TABLES:
            if _is_table(content, (table,), checked):
                checked.tables[table] = _settings((table,), content, TABLES[table], checked)
        elif table in NAMED:
            if _is_table(content, (table,), checked):
                checked.tables[table] = _named(table, content, checked)
        else:
            checked.note((table,), _unknown((table,), content, [*TABLES, *NAMED]))
    return checked


def _named(table: str, content: Mapping[str, Any], checked: Checked) -> dict[str, Any]:
    usable = {}
    for name, one in content.items():
        path = (table, name)
        if not name.isprintable() or not name.strip() or len(name) > NAME_LIMIT:
            what = "Model" if table == "models" else "Provider"
            checked.note(path, f"{what} name may hold printable characters, ≤200; got {shown.name(name)}.")
        elif not isinstance(one, dict) and shown.names_a_key(name):
            checked.note(path, KEY_IN_FILE)
        elif _is_table(one, path, checked):
            usable[name] = _settings(path, one, NAMED[table], checked)
    return usable


def _settings(
    path: tuple[str, ...], content: Mapping[str, Any], known: Mapping[str, Setting], checked: Checked
) -> dict[str, Any]:
    usable = {}
    for key, value in content.items():
        one = known.get(key)
        if one is None:
            checked.note((*path, key), _unknown((*path, key), value, known))
            continue
        problem = problem_of(one, value)
        if problem is None:
            usable[key] = float(value) if one.kind in ("number", "seconds") else value
        else:
            checked.note((*path, key), problem.sentence(_label(path, key)), problem.element)
    return usable


def _label(path: tuple[str, ...], key: str) -> str:
    if path[0] == "chains":
        return f"Chain {key}"
    if path[0] == "strategies":
        return f"strategy of {key}"
    if path[0] == "providers" and len(path) > 1:
        return f"[{shown.spelled(path)}] {key}"
    return f"{key} of {shown.name(path[1])[1:-1]}" if len(path) > 1 else key


def _is_table(content: object, path: tuple[str, ...], checked: Checked) -> bool:
    if isinstance(content, dict):
        return True
    text = f"'{shown.spelled(path)}' must be a table; got {shown.value(content)}."
    checked.note(path, KEY_IN_FILE if isinstance(content, str) and shown.looks_like_key(content) else text)
    return False


def _unknown(path: tuple[str, ...], value: object, known: Iterable[str]) -> str:
    key = path[-1]
    if isinstance(value, str) and (shown.names_a_key(key) or shown.looks_like_key(value)):
        return KEY_IN_FILE
    what = "phase" if path[0] in ("chains", "strategies") and len(path) == 2 else "setting"
    place = f" in [{shown.spelled(path[:-1])}]" if len(path) > 1 else ""
    return f"Unknown {what} {shown.name(key)}{place}.{_suggestion(path, list(known))}"


def _suggestion(path: tuple[str, ...], known: list[str]) -> str:
    near = did_you_mean(path[-1], known)
    if near:
        return f"{near} Known: {', '.join(known)}." if known == list(PHASES) else near
    homes = [f"{table}.{path[-1]}" for table, settings in TABLES.items() if path[-1] in settings and table != path[0]]
    homes += [f"{table}.NAME.{path[-1]}" for table, settings in NAMED.items() if path[-1] in settings]
    return f" Did you mean '{homes[0]}'?" if homes and len(path) < 3 else f" Known: {', '.join(known)}."


def check_together(merged: Mapping[str, Any], origins: Mapping[str, str], invalid: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the layers taken together: names that lead nowhere, limits in the wrong order.

    `invalid` are the dotted keys that are set, but wrongly: they are not missing.
    """
    yield from _required(merged, invalid)
    yield from _references(merged, invalid)
    yield from _reserved(merged)
    for phase in PHASES:
        yield from _chain(phase, merged["chains"].get(phase, []), merged["models"], invalid)
    yield from _order(merged, origins)


def _required(merged: Mapping[str, Any], invalid: set[str]) -> Iterator[Problem]:
    for table, known in NAMED.items():
        needed = [key for key, one in known.items() if one.required]
        for name, one in merged[table].items():
            wanted = [*needed, "base_url"] if table == "providers" and one.get("api") != "offline" else needed
            lacking = [key for key in wanted if key not in one and shown.dotted((table, name, key)) not in invalid]
            if lacking:
                what = f"{table[:-1].capitalize()} {shown.name(name)}"
                near = did_you_mean(name, [other for other in merged[table] if other != name])
                text = f"{what} lacks {' and '.join(lacking)}.{near if len(lacking) > 1 else ''}"
                yield Problem((table, name), text)


def _references(merged: Mapping[str, Any], invalid: set[str]) -> Iterator[Problem]:
    providers = merged["providers"]
    for name, model in merged["models"].items():
        provider = model.get("provider")
        if (
            provider is not None
            and provider not in providers
            and shown.dotted(("providers", provider)) not in invalid
        ):
            near = did_you_mean(provider, providers) or f" Known: {_list(providers)}."
            text = f"Model {shown.name(name)} names the provider {shown.name(provider)}, which is not defined.{near}"
            yield Problem(("models", name, "provider"), text)


def _reserved(merged: Mapping[str, Any]) -> Iterator[Problem]:
    """The name "offline" promises that nothing leaves the machine."""
    if merged["providers"].get("offline", {}).get("api", "offline") != "offline":
        yield Problem(("providers", "offline", "api"), "The provider 'offline' must have api = \"offline\".")
    if merged["models"].get("offline", {}).get("provider", "offline") != "offline":
        yield Problem(("models", "offline", "provider"), "The model 'offline' must have the provider 'offline'.")


def _chain(phase: str, chain: list[str], models: Mapping[str, Any], invalid: set[str]) -> Iterator[Problem]:
    path = ("chains", phase)
    if not chain and shown.dotted(path) not in invalid:
        yield Problem(path, f"Chain {phase} has no models.")
    positions: dict[str, list[int]] = {}
    for at, name in enumerate(chain):
        positions.setdefault(name, []).append(at)
    for name, where in positions.items():
        if name not in models and shown.dotted(("models", name)) not in invalid:
            near = " A chain holds models, not phases." if name in PHASES else did_you_mean(name, models)
            text = f"Chain {phase} names {shown.name(name)}, which is not defined.{near} Known: {_list(models)}."
            yield Problem(path, text, where[0])
        if len(where) > 1:
            numbers = ", ".join(str(at + 1) for at in where[:10])
            text = f"Model {shown.name(name)[1:-1]} appears twice in chain {phase} (positions {numbers})."
            yield Problem(path, text, where[-1])


_PAIRS = (
    ("thresholds", "latency_warning", "latency_critical"),
    ("thresholds", "error_rate_warning", "error_rate_critical"),
    ("complexity", "medium_from", "high_from"),
    ("health", "backoff_base", "backoff_max"),
)
"""Of each pair the first may not be above the second."""


_RANKS = {"": 0, "shipped": 1, "user": 2}
"""Of two settings that contradict each other the one of the higher layer is told of; others are highest."""


def _order(merged: Mapping[str, Any], origins: Mapping[str, str]) -> Iterator[Problem]:
    for table, low, high in _PAIRS:
        yield from _pair((table,), low, high, {key: merged[table].get(key) for key in (low, high)}, origins)
    for name, model in merged["models"].items():
        for table, low, high in _PAIRS[:2]:
            if low in model or high in model:
                values = {key: model.get(key, merged[table].get(key)) for key in (low, high)}
                yield from _pair(("models", name), low, high, values, origins)
        window, output = model.get("context_window"), model.get("max_output_tokens")
        if window is not None and output is not None and output >= window:
            text = f"max_output_tokens of {shown.name(name)[1:-1]} must be below its context_window; got {output}."
            yield Problem(("models", name, "max_output_tokens"), text)


def _pair(
    path: tuple[str, ...], low: str, high: str, values: Mapping[str, Any], origins: Mapping[str, str]
) -> Iterator[Problem]:
    first = values[low] if values[low] is not None else _default(path, low)
    second = values[high] if values[high] is not None else _default(path, high)
    if first > second:
        rank = {key: _RANKS.get(origins.get(shown.dotted((*path, key)), ""), 3) for key in (low, high)}
        key = low if rank[low] >= rank[high] else high
        text = f"{_label(path, low)} must be ≤ {high}; got {shown.value(first)} and {shown.value(second)}."
        yield Problem((*path, key), text)


def _default(path: tuple[str, ...], key: str) -> Any:
    one = setting((*path, key))
    return TABLES["thresholds"][key].default if one is None or one.default is None else one.default


def _list(names: Iterable[str]) -> str:
    few = [shown.name(name)[1:-1] for name in islice(names, 31)]
    return ", ".join(few[:30]) + (", …" if len(few) > 30 else "")
