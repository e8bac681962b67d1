"""The page: sections of tables and drawings, one file, nothing loaded from anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from archfb.periods import HOUR
from archfb.report import charts
from archfb.report.markup import el, joined, trusted
from archfb.views.history_view import totals
from archfb.views.phrases import age, count, instant, milliseconds, money, percent, until
from archfb.views.runs_view import decision_line, outcome, took
from archfb.views.status_table import answered, chain_lines, error_rate, last_seen, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from archfb.report.markup import Markup, Piece
    from archfb.report.reading import Reading, ToldRun
    from archfb.routing.table import ModelHealth

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
"""What the browser may load for it: nothing but the style sheet inside."""


NEWEST = 12
"""Changes of status that are shown at once; the others can be opened."""


class Cell(NamedTuple):
    """A column of a table: its title, what it says of a row, and a class."""

    title: str
    value: Callable[[object], Piece]
    class_: str | None = None


def page(found: Reading) -> str:
    """Return the whole document."""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", http_equiv="Content-Security-Policy", content=POLICY),
        el("meta", name="color-scheme", content="light dark"),
        el("title", "archfb report"),
        el("style", trusted(style())),
    )
    body = el("body", el("main", *map(joined, sections(found))))
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def style() -> str:
    """Return the style sheet that comes with the program."""
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")


def sections(found: Reading) -> Iterable[Markup]:
    """Yield the parts of the page, from what is now to what was."""
    yield heading(found)
    yield cards(found)
    yield section("Status", status(found))
    yield section("Availability", *availability(found))
    yield section("Latency", *latencies(found))
    yield section("Cost", *cost(found))
    yield section("Hand-overs", handovers(found))
    yield section("Changes of status", changes(found))
    yield section("Last runs", *runs(found))


def section(title: str, *pieces: Piece) -> Markup:
    """Return a part under its title."""
    return el("section", el("h2", title), *pieces)


def heading(found: Reading) -> Markup:
    """Return the title, and what time it is about."""
    begin, end = instant(found.history.begin)[:16], instant(found.table.at)[:16]
    notes = [el("p", note) for note in found.notes]
    about = el("p", f"{begin} to {end} UTC, by archfb {found.version}. {summary(found.table)}", class_="faint")
    return el("header", el("h1", "archfb report"), about, *notes)


def cards(found: Reading) -> Markup:
    """Return the few figures that matter most."""
    periods = found.history.periods
    ok, failed = sum(one.ok for one in periods), sum(one.failed for one in periods)
    usable = sum(one.usable for one in found.table.models)
    spent = sum(found.cost.values())
    unknown = not spent and any(one.cost_usd is None for one in periods)
    told = [
        ("usable models", f"{usable} of {len(found.table.models)}"),
        ("answered", percent(ok / (ok + failed)) if ok + failed else "-"),
        ("attempts", f"{ok + failed:,}"),
        ("cost", "unknown" if unknown else money(spent)),
        ("hand-overs", f"{sum(one[3] for one in found.handovers):,}"),
    ]
    return el("div", *(el("div", el("b", figure), what, class_="card") for what, figure in told), class_="cards")


def table(cells: Sequence[Cell], rows: Iterable[object], nothing: str) -> Markup:
    """Return rows as a table, or a sentence where there are none."""
    body = [
        el("tr", *(el("td", cell.value(row), class_=cell.class_, data_label=cell.title) for cell in cells))
        for row in rows
    ]
    if not body:
        return el("p", nothing, class_="faint")
    head = el("tr", *(el("th", cell.title, class_=cell.class_, scope="col") for cell in cells))
    return stacked(el("thead", head), el("tbody", *body))


def stacked(*pieces: Piece) -> Markup:
    """Return a table whose rows become blocks where the page is too narrow for columns."""
    return el("div", el("table", *pieces, class_="stacked"), class_="wide")


def status(found: Reading) -> Markup:
    """Return every model as it is now, and how the chains stand."""
    now = found.table.at

    def cell(title: str, value: Callable[[ModelHealth], Piece], class_: str | None = None) -> Cell:
        return Cell(title, value, class_)  # type: ignore[arg-type]  # rows of this table are all of one kind

    cells = [
        cell("Model", lambda one: one.name),
        cell("Status", lambda one: el("span", one.standing.status, class_=f"badge {one.standing.status}")),
        cell("Reason", lambda one: one.standing.reason),
        cell("Answered", answered, "num"),
        cell("Errors", error_rate, "num"),
        cell("Cost", lambda one: money(one.cost_usd), "num"),
        cell("Seen", lambda one: age(last_seen(one), now), "num"),
        cell("Retry", lambda one: until(one.standing.retry_at, now), "num"),
    ]
    chains = [el("p", line, class_="unavailable" if dead else None) for line, dead in chain_lines(found.table.chains)]
    return joined(table(cells, found.table.models, "No chain names a model."), *chains)


def availability(found: Reading) -> Iterable[Markup]:
    """Yield a strip per model."""
    for model, rows in found.history.by_model().items():
        ok, failed = sum(one.ok for one in rows.values()), sum(one.failed for one in rows.values())
        share = percent(ok / (ok + failed)) if ok + failed else "-"
        yield el("div", el("span", model), charts.strip(rows, found.history), el("span", share), class_="row")
    what = "an hour" if found.history.size == HOUR else "a day" if found.history.size < 2 * 86400 else "a week"
    told = f"A cell is {what}. Green: at least 99 % of the attempts were answered; yellow: 90 %; red: less."
    yield el("p", told if found.history.periods else "Nothing was recorded in that time.", class_="faint")


def latencies(found: Reading) -> Iterable[Markup]:
    """Yield a drawing per model that answered."""
    keys = [el("span", el("span", class_=f"key {one}"), one, class_="nowrap") for one in ("p50", "p95", "p99")]
    rough = " Read from hourly sums, so rough." if found.history.rough else ""
    drawn = [(model, rows, charts.latency(rows, found.history)) for model, rows in found.history.by_model().items()]
    if any(drawing is not None for _, _, drawing in drawn):
        yield el("p", "Seconds to the whole answer, calls and probes together.", rough, *keys, class_="faint")
    else:
        yield el("p", "Nothing was answered in that time.", class_="faint")
    for model, rows, drawing in drawn:
        if drawing is not None:
            yield el("h3", model)
            yield el("p", totals(rows.values()), class_="faint")
            yield drawing


def cost(found: Reading) -> Iterable[Markup]:
    """Yield the cost by day as a drawing, and by model as a table."""
    spent: dict[str, float] = {}
    for (_, model), usd in found.cost.items():
        spent[model] = spent.get(model, 0.0) + usd
    models = sorted(spent, key=lambda one: (-spent[one], one))
    drawing = charts.cost(found.cost, models)
    if drawing is None:
        yield el("p", "Nothing cost anything, as far as prices are known.", class_="faint")
        return
    yield drawing
    rows = [(number, model, spent[model]) for number, model in enumerate(models)]
    body = [
        el("tr", el("td", el("span", class_=f"key {charts.hue(at)}"), model), el("td", money(usd), class_="num"))
        for at, model, usd in rows
    ]
    yield el("div", el("table", el("tbody", *body)), class_="wide")


def handovers(found: Reading) -> Markup:
    """Return who took over from whom."""

    def at(index: int) -> Callable[[object], Piece]:
        return lambda row: row[index]  # type: ignore[index]  # rows are tuples

    cells = [Cell("Phase", at(0)), Cell("From", at(1)), Cell("To", at(2)), Cell("Times", at(3), "num")]
    return table(cells, found.handovers, "No call was handed over.")


def changes(found: Reading) -> Markup:
    """Return the changes of status, the newest first."""
    rows = [
        el(
            "tr",
            el("td", instant(one.at)[:19], class_="nowrap"),
            el("td", one.model),
            el("td", el("span", one.after, class_=f"badge {one.after}")),
            el("td", f"{'still so' if one.before == one.after else f'from {one.before}'}: {one.reason}"),
        )
        for one in reversed(found.transitions)
    ]
    if not rows:
        return el("p", "No model changed its status.", class_="faint")
    newest, earlier = rows[:NEWEST], rows[NEWEST:]
    shown = stacked(el("tbody", *newest))
    if not earlier:
        return shown
    more = stacked(el("tbody", *earlier))
    return joined(shown, el("details", el("summary", f"{len(earlier):,} earlier"), more))


def runs(found: Reading) -> Iterable[Markup]:
    """Yield the last runs; those with an explanation can be opened."""
    if not found.runs:
        yield el("p", "No run in that time.", class_="faint")
    for one in found.runs:
        yield told_run(one)


def told_run(told: ToldRun) -> Markup:
    """Return one run: a line, and below it what it made, how it was decided, and every attempt."""
    run = told.run
    head = (
        f"{instant(run.started_at)[:16]}  {run.phase or run.command} on {run.repo or '-'}: {outcome(run)}, "
        f"{took(run)}, {money(run.cost_usd)}"
    )
    if not (told.results or told.decisions or told.attempts):
        return el("p", head)
    return el(
        "details",
        el("summary", head),
        *_results(told),
        *(el("p", decision_line(one)) for one in told.decisions),
        *_attempts(told),
    )


def _results(told: ToldRun) -> Iterable[Markup]:
    if told.results:
        yield el("h3", count(len(told.results), "answer"))
        for one in told.results:
            by = f"offline ({one.offline_reason})" if one.offline else one.model
            yield el("p", f"{one.phase} {one.role}: {by}, {money(one.cost_usd)}")
    if told.decisions:
        yield el("h3", count(len(told.decisions), "decision"))


def _attempts(told: ToldRun) -> Iterable[Markup]:
    if not told.attempts:
        return
    yield el("h3", count(len(told.attempts), "attempt"))
    rows = [
        el(
            "tr",
            el("td", instant(one.started_at)[11:19], class_="nowrap"),
            el("td", one.phase),
            el("td", one.model),
            el("td", str(one.outcome)),
            el("td", milliseconds(one.latency_ms), class_="num"),
            el("td", money(one.cost_usd), class_="num"),
            el("td", one.message),
        )
        for one in told.attempts
    ]
    yield stacked(el("tbody", *rows))
