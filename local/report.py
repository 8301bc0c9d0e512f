"""One self-contained HTML page about a lake: law and hops, latency, readings, engines, model, quality. It needs no network."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from lake.hops import HopCounter
from lake.latency import STAGES, Latency, latencies
from local import report_charts as charts
from local import report_data as data
from local.report_law import law_facts
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError
from runtime.platforms import Platform

_PAGE = Path(__file__).with_name("report_page.html")
_SHOWN_ENGINES = 10
_SOON = 30


def write_report(platform: Platform, truth_files: Sequence[Path] = (), folder: Path | None = None, clock: Clock | None = None) -> Path:
    """Write ``report.html`` into `folder` (by default the home's ``report``); its path.

    `truth_files` say what was sent; without one the law and latencies are unknown.
    """
    target = (folder or platform.settings.home / "report") / "report.html"
    page = render(platform, truth_files, (clock or SystemClock()).now())
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page, encoding="utf-8")
    except OSError as error:
        raise UserError(f"report {target}: cannot be written: {error.strerror}") from None
    return target


def render(platform: Platform, truth_files: Sequence[Path], now: datetime) -> str:
    lake = data.Question(platform)
    names = {contract.name for contract in lake.contracts}
    has_engines = {data.ENGINE, "maintenance"} <= names
    failing = data.next_failures(lake) if has_engines else pd.DataFrame()
    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_PAGE.read_text(encoding="utf-8"))
    return template.render(
        plotly_js=Markup(get_plotlyjs()),
        made_at=f"{now:%d %B %Y, %H:%M} UTC",
        place=platform.settings.home if platform.settings.platform == "local" else platform.settings.lake_bucket,
        law=law_facts(platform, truth_files),
        hops=[_hop(hop, now) for hop in HopCounter(platform, truth_files).read()],
        latency=_latency(platform, truth_files),
        readings=_chart(data.readings_per_hour(lake), charts.readings_per_hour, "No reading is visible yet."),
        failing=[_engine(row) for row in failing.head(_SHOWN_ENGINES).to_dict("records")],
        cap=data.CAP,
        sensors=_sensors(lake, failing) if has_engines else {"title": "Sensors", "chart": _empty("There is no contract turbofan.")},
        errors=_errors(data.true_and_predicted(lake) if has_engines else pd.DataFrame()),
        importance=_chart(data.importance(lake), charts.importance, "No model has been trained yet."),
        held=data.held_runs(lake).to_dict("records"),
        quality=[_check(row) for row in data.quality(lake).to_dict("records")],
        quarantined=_chart(data.quarantined(lake), charts.quarantined, "Nothing was refused."),
        footer=_footer(data.publications(lake)),
    )


def _chart(frame: pd.DataFrame, draw: Callable[[pd.DataFrame], go.Figure], otherwise: str) -> Markup:
    return _html(draw(frame)) if len(frame) else _empty(otherwise)


def _html(figure: go.Figure) -> Markup:
    # Plotly writes < as \u003c inside its script, so no device id can end it.
    return Markup(figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}))


def _empty(sentence: str) -> Markup:
    return Markup('<div class="empty">{}</div>').format(sentence)


def _hop(hop: Any, now: datetime) -> dict[str, str]:
    parts = " · ".join(f"{name} {number:,}" for name, number in sorted(hop.by_contract.items(), key=lambda item: -item[1])[:2])
    age = f"newest {_ago(now - hop.newest)}" if hop.newest else ""
    number = "–" if hop.readings is None else f"{hop.readings:,}"
    return {"name": hop.name + (" messages" if hop.name == "queued" else ""), "number": number, "detail": age or parts}


def _ago(passed: Any) -> str:
    seconds = max(0, int(passed.total_seconds()))
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} s ago"


def _latency(platform: Platform, truth_files: Sequence[Path]) -> dict[str, Any]:
    found = latencies(platform, truth_files)
    if not found:
        return {"facts": [], "chart": _empty("No truth file says when readings were sent.")}
    facts = [_fact(one) for one in found]
    return {"facts": facts, "chart": _html(charts.latency(found))}


def _fact(one: Latency) -> dict[str, str]:
    return {"value": _seconds(one.quantile(0.5)), "name": f"to {STAGES[one.stage]}, 95 % within {_seconds(one.quantile(0.95))}"}


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    for limit, size, name in ((100, 1, "s"), (6_000, 60, "min"), (172_800, 3_600, "h")):
        if value < limit:
            return f"{value / size:.1f} {name}" if value / size < 10 else f"{value / size:.0f} {name}"
    return f"{value / 86_400:.0f} d"


def _engine(row: dict[str, Any]) -> dict[str, Any]:
    def percent(cycles: float) -> float:
        return round(100 * min(max(cycles, 0.0), data.CAP) / data.CAP, 1)

    lower, upper = (row[end] if pd.notna(row[end]) else row["score"] for end in ("lower", "upper"))
    return {
        "device_id": row["device_id"],
        "cycle": row["cycle"],
        "score": f"{row['score']:.0f}",
        "lower": f"{lower:.0f}",
        "upper": f"{upper:.0f}",
        "from": percent(lower),
        "width": round(percent(upper) - percent(lower), 1),
        "at_percent": min(percent(row["score"]), 99.0),
        "style": "soon" if row["score"] < _SOON else "",
        "at": f"{pd.Timestamp(row['at']).astimezone(UTC):%d %b %H:%M}",
    }


def _sensors(lake: data.Question, failing: pd.DataFrame) -> dict[str, Any]:
    engines, names, readings = data.worst_engines(lake, failing)
    title = "Their sensors" if len(failing) else "Sensors of the engines that have flown most"
    if not engines or not names:
        return {"title": title, "chart": _empty("No engine has sent a reading yet.")}
    contract = next(contract for contract in lake.contracts if contract.name == data.ENGINE)
    units = {field.name: field.unit for field in contract.fields}
    return {"title": title, "chart": _html(charts.sensors(engines, names, units, readings))}


def _errors(frame: pd.DataFrame) -> dict[str, Any]:
    """Root mean square errors with both ends capped, as the model is trained."""
    if not len(frame):
        return {"facts": [], "chart": _empty("No engine has failed after it was scored yet.")}
    error = frame["score"].clip(lower=0, upper=data.CAP) - frame["true_life"].clip(upper=data.CAP)
    inside = ((frame["true_life"] >= frame["lower"]) & (frame["true_life"] <= frame["upper"])).mean()
    last = error[frame["is_last"]]
    facts = [
        {"name": f"RMSE of {len(frame):,} predictions", "value": f"{(error**2).mean() ** 0.5:.1f}"},
        {"name": f"RMSE of the last of {len(last)} lives", "value": f"{(last**2).mean() ** 0.5:.1f}"},
        {"name": "within their interval", "value": f"{inside:.0%}"},
    ]
    return {"facts": facts, "chart": _html(charts.predicted_against_true(frame))}


def _check(row: dict[str, Any]) -> dict[str, Any]:
    def figure(value: float | None) -> str:
        return "" if pd.isna(value) else f"{value:.4g}"

    return {
        "contract": row["contract"],
        "check": str(row["check_name"]).replace("_", " ") + (f" of {row['field']}" if row["field"] else ""),
        "status": row["status"],
        "observed": figure(row["observed"]),
        "threshold": figure(row["threshold"]),
        "sentence": row["sentence"] if row["status"] != "passed" else "",
    }


def _footer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Nothing has been published yet."
    runs = ", ".join(f"{row.table_name} {row.runs}" for row in frame.groupby("table_name", as_index=False)["runs"].sum().itertuples())
    return f"Published runs: {runs}."
