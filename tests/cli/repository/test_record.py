"""Records are frozen, compared by their fields, and made without the dataclasses module."""

import copy
import pickle
import re
import subprocess
import sys
from pathlib import Path

import pytest

from archfb.repository.patterns import regex
from archfb.repository.record import Record, changed, values

HOME = Path(__file__).parents[3]


class Point(Record):
    """A place."""

    x: int
    y: int = 2
    note: str = ""
    _aside = ("note",)

    def doubled(self) -> int:
        """Return twice x."""
        return self.x * 2


class Other(Record):
    """The same fields."""

    x: int
    y: int = 2
    note: str = ""


@pytest.mark.parametrize(
    "made", [Point(1), Point(1, 2), Point(1, 2, ""), Point(x=1), Point(1, y=2), Point(1, note="not compared")]
)
def test_a_record_takes_its_fields_by_place_or_name_and_is_equal_by_them(made: Point) -> None:
    assert made == Point(1)
    assert hash(made) == hash(Point(1))
    assert values(made)[:2] == (1, 2)
    assert repr(made) == "Point(x=1, y=2)"
    assert made.doubled() == 2


@pytest.mark.parametrize("other", [Point(2), Point(1, 3), Other(1), (1, 2, ""), None])
def test_a_record_differs_from_another_value_and_from_another_class(other: object) -> None:
    assert Point(1) != other


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), ((1, 2, "", 4), {}), ((1,), {"x": 1}), ((1,), {"z": 1}), ((), {"y": 1})]
)
def test_a_record_refuses_what_are_not_its_fields(given: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(*given, **named)


def test_a_record_stays_as_it_is() -> None:
    one = Point(1)
    with pytest.raises(AttributeError):
        one.x = 2
    with pytest.raises(AttributeError):
        one.z = 2
    with pytest.raises(AttributeError):
        del one.x
    assert (changed(one, x=5), one) == (Point(5), Point(1))
    assert copy.deepcopy(one) == pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("source", [r"a(b)", rb"a(b)"])
def test_a_pattern_is_compiled_at_its_first_use_and_finds_what_re_finds(source: str | bytes) -> None:
    found, text = regex(source, re.IGNORECASE), source[:0] + (b"xABab" if isinstance(source, bytes) else "xABab")
    assert found.findall(text) == re.findall(source, text, re.IGNORECASE)
    assert found.search(text)[1] == re.search(source, text, re.IGNORECASE)[1]
    assert [found.match(text), found.fullmatch(text)] == [None, None]
    assert found.sub(source[:0], text) == text[:1]
    with pytest.raises(AttributeError):
        found.nothing()


@pytest.mark.parametrize(
    ("module", "unused"),
    [
        ("archfb.repository.inventory", "typing dataclasses re sqlite3 json hashlib"),
        ("archfb.repository.read", "typing dataclasses sqlite3 json hashlib archfb.repository.anew"),
        (
            "archfb.repository.reading",
            "typing dataclasses re json archfb.repository.anew",
        ),
        ("archfb.repository.anew", "typing dataclasses inspect tomllib xml archfb.repository.manifests.python"),
        ("archfb.repository.pack", "typing dataclasses inspect sqlite3 archfb.repository.anew"),
    ],
)
def test_reading_loads_no_module_that_takes_longer_than_the_work(module: str, unused: str) -> None:
    shown = f"import sys, {module}; print(*[name for name in {unused.split()!r} if name in sys.modules])"
    path = f"{HOME / 'cli'}:{HOME / 'state'}"
    ran = subprocess.run(
        [sys.executable, "-S", "-c", shown], env={"PYTHONPATH": path}, capture_output=True, text=True
    )
    assert (ran.stdout.strip(), ran.stderr) == ("", "")
