"""One self-contained HTML page of what the quality gate has said, contract by contract: trend, history, decisions, devices behind it."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from lake.publications import State
from local import quality_charts as charts
from local import quality_data as data
from local.quality_data import Decision
from local.report_parts import empty, html, render_page, write_page
from runtime.clock import Clock, SystemClock
from runtime.platforms import Platform


def write_quality_page(
    platform: Platform, contracts: Sequence[str], days: int, target: Path | None = None, clock: Clock | None = None
) -> Path:
    """Write the verdicts of the last `days` into `target`, by default the home's ``report/quality.html``; its path. Raises UserError."""
    now = (clock or SystemClock()).now()
    since = now - timedelta(days=days)
    sections = [_section(platform, contract, since) for contract in contracts]
    waiting = sum(section["held"] for section in sections)
    text = render_page(
        "quality_page.html", made_at=f"{now:%d %B %Y, %H:%M} UTC", days=days, sections=sections, waiting=waiting, most_runs=charts.MOST_RUNS
    )
    return write_page(target or platform.settings.home / "report" / "quality.html", text)


def _section(platform: Platform, contract: str, since: datetime) -> dict[str, Any]:
    verdicts, decisions = data.verdicts(platform, contract, since), data.decisions(platform, contract, since)
    return {
        "contract": contract,
        "held": sum(decision.state is State.HELD for decision in decisions),
        "facts": _facts(verdicts, decisions),
        "trend": html(charts.trend(verdicts)) if len(verdicts) else empty("No run was judged in this time."),
        "runs": verdicts["run_id"].nunique(),
        "checks": html(charts.checks(verdicts)) if len(verdicts) else None,
        "failing": _failing(verdicts),
        "decisions": [_decision(decision) for decision in decisions],
        "devices": data.worst(platform, contract, since).to_dict("records"),
    }


def _facts(verdicts: pd.DataFrame, decisions: Sequence[Decision]) -> list[dict[str, str]]:
    by_run = verdicts.groupby("run_id")["status"].agg(set)
    failed = sum("failed" in statuses for statuses in by_run)
    warned = sum("warned" in statuses for statuses in by_run)
    states = Counter(decision.state for decision in decisions)
    counts = {"runs judged": len(by_run), "failed": failed, "with warnings": warned}
    counts |= {"held now": states[State.HELD], "accepted": states[State.ACCEPTED], "refused": states[State.REFUSED]}
    return [{"name": name, "value": f"{count:,}"} for name, count in counts.items()]


def _failing(verdicts: pd.DataFrame) -> list[dict[str, Any]]:
    """The checks that did not pass most often, each with its newest sentence."""
    rows = verdicts[verdicts["status"] != "passed"]
    found = []
    for (name, field), group in rows.groupby(["check_name", "field"], dropna=False):
        of = f" of {field}" if isinstance(field, str) else ""
        newest = group.iloc[-1]
        found.append(
            {"check": f"{name.replace('_', ' ')}{of}", "times": len(group), "status": newest["status"], "sentence": newest["sentence"]}
        )
    return sorted(found, key=lambda row: -row["times"])


def _decision(decision: Decision) -> dict[str, Any]:
    decided = f"{decision.decided_at:%Y-%m-%d %H:%M}" if decision.decided_at else ""
    by, within = (f"by {decision.who}" if decision.who else ""), (f"in run {decision.accepted_by}" if decision.accepted_by else "")
    return {
        "run": decision.run_id,
        "state": decision.state,
        "held_at": f"{decision.held_at:%Y-%m-%d %H:%M}",
        "sentence": decision.sentence,
        "decision": " ".join(filter(None, (decided, by, within))),
        "why": decision.why,
    }
