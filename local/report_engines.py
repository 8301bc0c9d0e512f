"""The report's sections about engines: nearest to failure, their sensors, the model's errors and what it looks at."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any

import pandas as pd
from botocore.exceptions import BotoCoreError, ClientError

from local import report_charts as charts
from local import report_data as data
from local.report_parts import chart, empty, html
from models.evaluate import Evaluation
from models.registry import Registry
from models.rul import CAP
from runtime.errors import FleetlakeError
from runtime.platforms import Platform

_SHOWN = 10


def engine_facts(lake: data.Question, importance: Mapping[str, float] | None = None) -> dict[str, Any]:
    """failing, cap, sensors, errors, importance, for the page."""
    if not {data.MODEL.contract, data.MODEL.events} <= {contract.name for contract in lake.contracts}:
        nothing = empty(f"There is no contract {data.MODEL.contract} with its {data.MODEL.events}.")
        sections = {"sensors": {"title": "Sensors", "chart": nothing}, "errors": {"facts": [], "chart": nothing}, "importance": nothing}
        return {"failing": [], "cap": CAP, **sections}
    version = data.scoring_version(lake)
    failing = data.next_failures(lake, version, _SHOWN) if version else pd.DataFrame({"device_id": []})
    shown = importance or (_card_importance(lake.platform, version) if version else None)
    return {
        "failing": [_engine(row) for row in failing.to_dict("records")],
        "cap": f"{CAP:.0f}",
        "sensors": _sensors(lake, failing),
        "errors": _errors(*data.judged(lake, version)) if version else {"facts": [], "chart": empty("No engine has been scored yet.")},
        "importance": _importance(shown),
    }


def _card_importance(platform: Platform, version: str) -> Mapping[str, float] | None:
    """None where the registry cannot be asked, because the laptop's cloud is stopped."""
    try:
        return Registry(platform, data.MODEL.name).card(version).importance
    except (FleetlakeError, BotoCoreError, ClientError):
        return None


def _importance(shares: Mapping[str, float] | None) -> Any:
    if shares is None:
        return empty("The model registry cannot be asked, or there is no model yet.")
    return chart(data.importance(shares), charts.importance, "The model's card does not say.")


def _engine(row: dict[str, Any]) -> dict[str, Any]:
    def percent(cycles: float) -> float:
        return round(100 * min(max(cycles, 0.0), CAP) / CAP, 1)

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
        "style": "soon" if row["score"] <= data.MODEL.threshold else "",
        "at": f"{pd.Timestamp(row['at']).astimezone(UTC):%d %b %H:%M}",
    }


def _sensors(lake: data.Question, failing: pd.DataFrame) -> dict[str, Any]:
    engines, names, readings = data.worst_engines(lake, failing)
    title = "Their sensors" if len(failing) else "Sensors of the engines that have flown most"
    if not engines or not names:
        return {"title": title, "chart": empty("No engine has sent a reading yet.")}
    contract = next(contract for contract in lake.contracts if contract.name == data.MODEL.contract)
    units = {field.name: field.unit for field in contract.fields}
    return {"title": title, "chart": html(charts.sensors(engines, names, units, readings))}


def _errors(frame: pd.DataFrame, found: Evaluation) -> dict[str, Any]:
    if found.rmse_capped is None or found.rmse_raw is None or found.coverage is None:
        return {"facts": [], "chart": empty("No engine has failed after it was scored yet.")}
    facts = [
        {
            "name": f"RMSE of the last prediction in each of {found.engines} engine lives, capped at {CAP:.0f}",
            "value": f"{found.rmse_capped:.1f}",
        },
        {"name": "RMSE, uncapped", "value": f"{found.rmse_raw:.1f}"},
        {"name": "of them within their interval", "value": f"{found.coverage:.0%}"},
    ]
    return {"facts": facts, "chart": html(charts.predicted_against_true(frame))}
