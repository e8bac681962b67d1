"""A model's plan is read leniently and carried out strictly: only scanned files, one reader each, none forgotten."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archfb.phases.importance import important
from archfb.phases.plan import check_plan
from archfb.phases.plan_reading import Draft, Unreadable, read_plan

PLAN = {
    "plan": "Two readers.",
    "agents": [
        {"id": "agent_1", "name": "A", "description": "d", "responsibilities": ["r"], "file_assignments": ["a.py"]},
        {"id": "agent_2", "name": "B", "description": "d", "responsibilities": ["r"], "file_assignments": ["b.py"]},
    ],
}
TEXT = json.dumps(PLAN)


@pytest.mark.parametrize(
    "answer",
    [
        TEXT,
        f"\n\n{TEXT}\n",
        f"```json\n{TEXT}\n```",
        f"Here it is:\n```\n{TEXT}\n```\nAnything else?",
        f"```json\n{{}}\n```\n```json\n{TEXT}\n```",
        f"I thought {{hard}} about it. {TEXT} I hope that helps.",
        f'{{"note": "first"}} {TEXT}',
        f"{TEXT} // done",
        json.dumps({"result": PLAN}),
        json.dumps({"analysis": {"plan": PLAN}}),
        json.dumps([PLAN]),
    ],
)
def test_a_plan_is_found_in_whatever_surrounds_it(answer: str) -> None:
    draft = read_plan(answer)
    assert isinstance(draft, Draft)
    assert (draft.plan, draft.repaired) == ("Two readers.", False)
    assert [(one.name, one.files) for one in draft.agents] == [("A", ("a.py",)), ("B", ("b.py",))]


@pytest.mark.parametrize(
    "answer",
    [
        TEXT[:-2],
        TEXT.replace('"r"]', '"r",]'),
        TEXT.replace('"', "'"),
        TEXT.replace('"plan":', "plan:"),
        f"```json\n{TEXT[:-30]}",
    ],
)
def test_broken_json_is_mended_and_said(answer: str) -> None:
    draft = read_plan(answer)
    assert isinstance(draft, Draft)
    assert draft.agents[0].files == ("a.py",)
    assert (draft.plan, draft.repaired) == ("Two readers.", True)


@pytest.mark.parametrize(
    ("agents", "files"),
    [
        ([{"name": "A", "files": ["a.py"]}], [("a.py",)]),
        ([{"title": "A", "assigned_files": [{"path": "a.py"}]}], [("a.py",)]),
        ([{"name": "A", "file_assignments": "a.py, b.py"}], [("a.py", "b.py")]),
        ([{"name": "A", "file_assignments": "- a.py\n- b.py"}], [("a.py", "b.py")]),
        ([{"name": "A", "file_assignments": {"a.py": "why"}}], [("a.py",)]),
        ([{"name": "A", "file_assignments": ["a.py", 3, None, ["b.py"]]}], [("a.py",)]),
        ({"reader": {"file_assignments": ["a.py"]}}, [("a.py",)]),
    ],
)
def test_other_shapes_of_the_same_thing_are_understood(agents: Any, files: list[tuple[str, ...]]) -> None:
    draft = read_plan(json.dumps({"plan": "x", "agents": agents}))
    assert isinstance(draft, Draft)
    assert [one.files for one in draft.agents] == files


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("", "The answer was empty."),
        ("I cannot do that.", "No JSON object was found."),
        ("{}", "The JSON has no list 'agents' in which at least one agent has file_assignments."),
        (
            '{"plan": "x", "agents": []}',
            "The JSON has no list 'agents' in which at least one agent has file_assignments.",
        ),
        (
            '{"agents": [{"name": "A"}]}',
            "The JSON has no list 'agents' in which at least one agent has file_assignments.",
        ),
        ("[1, 2]", "The JSON has no list 'agents' in which at least one agent has file_assignments."),
        ("null", "No JSON object was found."),
    ],
)
def test_what_is_no_plan_is_said_in_a_sentence_that_a_model_can_act_on(answer: str, problem: str) -> None:
    assert read_plan(answer) == Unreadable(problem)


def draft(*groups: list[str]) -> Draft:
    found = read_plan(
        json.dumps({"plan": "p", "agents": [{"name": f"R{at}", "files": g} for at, g in enumerate(groups)]})
    )
    assert isinstance(found, Draft)
    return found


def assigned(plan: Any) -> list[str]:
    return [path for one in plan.agents for path in one.file_assignments]


@pytest.mark.parametrize(
    ("named", "taken"),
    [
        ("shop/cart.py", "shop/cart.py"),
        ("./shop/cart.py", "shop/cart.py"),
        ("Shop/Cart.py", "shop/cart.py"),
        ("repo/shop/cart.py", "shop/cart.py"),
        ("cart.py", "shop/cart.py"),
    ],
)
def test_near_misses_are_resolved(shop: Any, named: str, taken: str) -> None:
    plan = check_plan(draft([named]), shop)
    assert taken in plan.agents[0].file_assignments
    assert any("resolved" in note for note in plan.notes) == (named != taken)


@pytest.mark.parametrize(
    "named",
    ["/etc/passwd", "/etc/hostname", "../x", "../../etc/passwd", ".env", "logo.png", "nowhere.py", "", "shop\0"],
)
def test_what_was_not_scanned_or_may_not_be_shown_is_reported_and_never_read(shop: Any, named: str) -> None:
    plan = check_plan(draft(["shop/cart.py", named]), shop)
    assert named not in assigned(plan)
    assert set(assigned(plan)) <= set(shop.by_path)
    if named.strip():
        assert any(note.startswith("Not in the repository") for note in plan.notes)


def test_a_file_has_one_reader_the_one_that_reads_its_neighbours(shop: Any) -> None:
    plan = check_plan(
        draft(["shop/login.py", "shop/user.py", "shop/price.py"], ["shop/cart.py", "shop/order.py", "shop/price.py"]),
        shop,
    )
    paths = assigned(plan)
    assert len(paths) == len(set(paths))
    assert "shop/price.py" in plan.agents[1].file_assignments
    assert any("shop/price.py" in note and "several" in note for note in plan.notes)


def test_what_matters_and_nobody_reads_goes_to_the_fitting_agent(shop: Any) -> None:
    plan = check_plan(draft(["shop/login.py", "shop/user.py"], ["shop/cart.py", "shop/order.py"]), shop)
    assert set(important(shop)) <= set(assigned(plan))
    assert "shop/mail.py" in plan.agents[0].file_assignments
    assert "shop/price.py" in plan.agents[1].file_assignments
    assert plan.coverage.share == 1.0
    assert 0 < plan.coverage.balance <= 1
    assert any(note.startswith("Unread although they matter") for note in plan.notes)


def test_agents_without_files_are_dropped_and_ids_made_plain(shop: Any) -> None:
    plan = check_plan(draft(["nowhere.py"], ["shop/cart.py"]), shop)
    assert [(one.id, one.name) for one in plan.agents] == [("agent_1", "R1")]
    assert "Dropped 1 agent without files." in plan.notes


def test_more_agents_than_needed_are_joined(shop: Any) -> None:
    names = [path for path in shop.by_path if path.endswith(".py") and path.startswith("shop/")]
    plan = check_plan(draft(*[[name] for name in names]), shop)
    assert len(plan.agents) == 5
    assert set(names) <= set(assigned(plan))


def test_a_folder_or_a_pattern_stands_for_its_files(shop: Any) -> None:
    for named in ("shop", "shop/", "shop/*.py", "**/*.py"):
        plan = check_plan(draft([named]), shop)
        assert "shop/cart.py" in assigned(plan)
        assert any("folder or pattern" in note for note in plan.notes)


def test_a_plan_in_which_nothing_exists_has_no_agents_left(shop: Any) -> None:
    assert check_plan(draft(["x.py"], ["y.py"]), shop).agents == ()


def test_a_repaired_plan_says_so_first(shop: Any) -> None:
    found = read_plan('{"plan": "p", "agents": [{"name": "A", "files": ["shop/cart.py"]}]')
    assert isinstance(found, Draft)
    assert check_plan(found, shop).notes[0] == "The plan's JSON was broken and was repaired."


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["plan", "agents", "files", "file_assignments", "name", "id", "description", "responsibilities"]
            )
            | st.text(max_size=5),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)
named = st.sampled_from(["shop/cart.py", "cart.py", "../x", "/etc/passwd", "shop", "*", ".env", "shop/*", "\ud800"])
plans = st.fixed_dictionaries(
    {
        "agents": st.lists(
            st.fixed_dictionaries({"files": st.lists(named | st.text(max_size=8), max_size=6)}), max_size=8
        )
    }
)


@given(st.one_of(values, plans), st.integers(0, 60), st.sampled_from(["", "```json\n", "Sure! ", "{"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_answer_raises_and_only_scanned_files_survive(shop: Any, value: Any, cut: int, before: str) -> None:
    text = before + json.dumps(value)
    found = read_plan(text[: len(text) - cut] if cut < len(text) else text)
    if isinstance(found, Unreadable):
        assert found.problem
        return
    plan = check_plan(found, shop)
    paths = assigned(plan)
    assert set(paths) <= {one.path for one in shop.files if one.kind == "text" and not one.withheld}
    assert len(paths) == len(set(paths))
    json.dumps(plan.to_json()).encode("ascii")


@given(st.text(alphabet=st.sampled_from('{}[]",:\\ ab/\n`'), max_size=120))
@settings(max_examples=150, deadline=None)
def test_no_text_raises(text: str) -> None:
    read_plan(text)


def test_deep_nesting_does_not_raise() -> None:
    assert isinstance(read_plan("[" * 100_000), Unreadable)
    assert isinstance(read_plan('{"a":' * 50_000), Unreadable)
