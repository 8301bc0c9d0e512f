"""One self-contained HTML page about a lake: law and hops, latency, readings, engines, model, quality. It needs no network."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from lake.hops import HopCounter
from lake.latency import STAGES, Latency, latencies
from local import report_charts as charts
from local import report_data as data
from local.report_engines import engine_facts
from local.report_law import law_facts
from local.report_parts import chart, empty, html, render_page, write_page
from runtime.clock import Clock, SystemClock
from runtime.platforms import Platform


def write_report(platform: Platform, truth_files: Sequence[Path] = (), folder: Path | None = None, clock: Clock | None = None) -> Path:
    """Write ``report.html`` into `folder` (by default the home's ``report``); its path.

    `truth_files` say what was sent; without one the law and latencies are unknown.
    """
    target = (folder or platform.settings.home / "report") / "report.html"
    return write_page(target, render(platform, truth_files, (clock or SystemClock()).now()))


def render(platform: Platform, truth_files: Sequence[Path], now: datetime, importance: Mapping[str, float] | None = None) -> str:
    """The page as text. `importance`: what the model looks at, by default from the card of the version that scored last."""
    lake = data.Question(platform)
    return render_page(
        "report_page.html",
        made_at=f"{now:%d %B %Y, %H:%M} UTC",
        place=platform.settings.home if platform.settings.platform == "local" else platform.settings.lake_bucket,
        law=law_facts(platform, truth_files),
        hops=[_hop(hop, now) for hop in HopCounter(platform, truth_files).read()],
        latency=_latency(platform, truth_files),
        readings=chart(data.readings_per_hour(lake), charts.readings_per_hour, "No reading is visible yet."),
        held=data.held_runs(lake).to_dict("records"),
        quality=_checks(data.quality(lake)),
        quarantined=chart(data.quarantined(lake), charts.quarantined, "Nothing was refused."),
        footer=_footer(data.publications(lake)),
        **engine_facts(lake, importance),
    )


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
        return {"facts": [], "chart": empty("No truth file says when readings were sent.")}
    facts = [_fact(one) for one in found]
    return {"facts": facts, "chart": html(charts.latency(found))}


def _fact(one: Latency) -> dict[str, str]:
    return {"value": _seconds(one.quantile(0.5)), "name": f"to {STAGES[one.stage]}, 95 % within {_seconds(one.quantile(0.95))}"}


def _seconds(value: float) -> str:
    if value < 1:
        return f"{value * 1000:.0f} ms"
    for limit, size, name in ((100, 1, "s"), (6_000, 60, "min"), (172_800, 3_600, "h")):
        if value < limit:
            return f"{value / size:.1f} {name}" if value / size < 10 else f"{value / size:.0f} {name}"
    return f"{value / 86_400:.0f} d"


def _checks(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each check that did not pass, and one for all fields of a check that passed."""
    rows = []
    for (contract, name, status), group in frame.groupby(["contract", "check_name", "status"], sort=False):
        members = group.to_dict("records")
        if status == "passed" and len(members) > 1:
            rows.append(_check(contract, name, f"of {len(members)} fields", members[0] | {"observed": None, "threshold": None}))
        else:
            rows += [_check(contract, name, f"of {row['field']}" if row["field"] else "", _not_judged(row)) for row in members]
    return rows


def _not_judged(row: dict[str, Any]) -> dict[str, Any]:
    """A check that had nothing to look at passes; a reader must not take that for a sound fleet."""
    return row | {"status": "not judged"} if row["status"] == "passed" and pd.isna(row["observed"]) else row


def _check(contract: str, name: str, about: str, row: dict[str, Any]) -> dict[str, Any]:
    def figure(value: float | None) -> str:
        return "" if pd.isna(value) else f"{value:.4g}"

    return {
        "contract": contract,
        "check": f"{name.replace('_', ' ')} {about}".strip(),
        "status": row["status"],
        "observed": figure(row["observed"]),
        "threshold": figure(row["threshold"]),
        "sentence": row["sentence"] if row["status"] not in ("passed", "not judged") else "",
    }


def _footer(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "Nothing has been published yet."
    runs = ", ".join(f"{row.table_name} {row.runs}" for row in frame.groupby("table_name", as_index=False)["runs"].sum().itertuples())
    return f"Published runs: {runs}."
