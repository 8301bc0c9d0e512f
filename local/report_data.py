"""What the report shows, asked of the lake by SQL; each answer is empty where the lake has nothing to say yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lake.contracts import Contract, sound_contracts
from lake.query import sql
from models import evaluate
from models.catalogue import KINDS
from models.labels import LIFE
from runtime.platforms import Platform

MODEL = KINDS["rul"]
_SENSORS = 4
_FEATURES = 15
_ENGINES = 4


@dataclass(frozen=True)
class Question:
    """Asks one lake."""

    platform: Platform

    def ask(self, text: str, *parameters: Any) -> pd.DataFrame:
        return sql(text, platform=self.platform, parameters=parameters).pandas()

    @property
    def contracts(self) -> list[Contract]:
        return list(sound_contracts(self.platform.settings.contracts_folder).values())


def readings_per_hour(lake: Question) -> pd.DataFrame:
    """contract, hour, readings: by the time they were measured."""
    parts = [
        f"SELECT '{contract.name}' AS contract, date_trunc('hour', event_time) AS hour, count(*) AS readings "  # noqa: S608 - a contract's name
        f"FROM silver.{contract.name} GROUP BY ALL"
        for contract in lake.contracts
        if contract.is_measurement
    ]
    return lake.ask(" UNION ALL ".join(parts) + " ORDER BY ALL") if parts else pd.DataFrame(columns=["contract", "hour", "readings"])


def quarantined(lake: Question) -> pd.DataFrame:
    """contract, reason, readings."""
    names = [*(contract.name for contract in lake.contracts), "_unknown"]
    parts = [f"SELECT contract, reason, count(DISTINCT quarantine_id) AS readings FROM quarantine.{name} GROUP BY ALL" for name in names]  # noqa: S608
    return lake.ask(f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY readings DESC, reason")  # noqa: S608


def scoring_version(lake: Question) -> str | None:
    """The model version that scored last; None where nothing was scored yet."""
    found = lake.ask(
        "SELECT p.version FROM gold.predictions p JOIN ops.runs r ON r.run_id = p.run_id AND r.table_name = 'gold.predictions' "
        "WHERE p.model = ? AND p.contract = ? ORDER BY r.known_at DESC, p.version DESC LIMIT 1",
        MODEL.name,
        MODEL.contract,
    )
    return str(found["version"][0]) if len(found) else None


def next_failures(lake: Question, version: str, count: int) -> pd.DataFrame:
    """device_id, at, cycle, score, lower, upper: the newest prediction of each engine that has not failed since, worst first."""
    found = evaluate.soonest(lake.platform, MODEL, version, count)
    flown = lake.ask(
        f'SELECT device_id, event_time AS "at", cycle FROM silver.{MODEL.contract} WHERE list_contains(?::VARCHAR[], device_id)',  # noqa: S608
        list(found["device_id"]),
    )
    return found.merge(flown, on=["device_id", "at"], how="left")


def judged(lake: Question, version: str) -> tuple[pd.DataFrame, evaluate.Evaluation]:
    """Predictions that were public before the failure they are about (device_id, at, rul, score, lower, upper, is_last), and their errors."""
    rows = evaluate.judged_predictions(lake.platform, MODEL, version)
    newest = rows.groupby(LIFE)["at"].transform("max")
    return rows.assign(is_last=rows["at"] == newest), evaluate.evaluate(lake.platform, MODEL, version)


def worst_engines(lake: Question, failing: pd.DataFrame) -> tuple[list[str], list[str], pd.DataFrame]:
    """Engines nearest to failure, sensors that tell of wear, and the engines' readings: device_id, cycle and the sensors."""
    contract = next((contract for contract in lake.contracts if contract.name == MODEL.contract), None)
    if contract is None:
        return [], [], pd.DataFrame()
    engines = list(failing["device_id"][:_ENGINES])
    if not engines:
        engines = list(
            lake.ask("SELECT device_id FROM silver.turbofan GROUP BY 1 ORDER BY max(cycle) DESC, 1 LIMIT ?", _ENGINES)["device_id"]
        )
    sensors = _telling_sensors(lake, contract)
    columns = ", ".join(f'"{name}"' for name in sensors)
    # The life that goes on now: readings since the cycle count last began anew.
    readings = lake.ask(
        f"""
        WITH counted AS (
            SELECT device_id, event_time, cycle, {columns or "NULL AS nothing"},
                   sum((cycle < previous)::INT) OVER (PARTITION BY device_id ORDER BY event_time) AS life
            FROM (SELECT *, lag(cycle) OVER (PARTITION BY device_id ORDER BY event_time) AS previous FROM silver.turbofan
                  WHERE list_contains(?::VARCHAR[], device_id))
        ) SELECT * FROM counted QUALIFY COALESCE(life, 0) = max(COALESCE(life, 0)) OVER (PARTITION BY device_id) ORDER BY device_id, event_time
        """,  # noqa: S608 - names of a contract's fields
        engines,
    )
    return engines, sensors, readings


def _telling_sensors(lake: Question, contract: Contract) -> list[str]:
    """The sensors that follow the cycle count most closely over the fleet."""
    names = [field.name for field in contract.numbers if not field.lifetime_counter]
    measures = ", ".join(f'abs(corr("{name}", cycle)) AS "{name}"' for name in names)
    found = lake.ask(f"SELECT {measures} FROM silver.{contract.name}")  # noqa: S608 - names of a contract's fields
    ranked = found.iloc[0].dropna().sort_values(ascending=False) if len(found) else pd.Series(dtype=float)
    return [str(name) for name in ranked.index[:_SENSORS]]


def importance(shares: Mapping[str, float]) -> pd.DataFrame:
    """feature, share: the features that a model's card says it looks at most."""
    found = pd.DataFrame(list(shares.items()), columns=["feature", "share"]).sort_values("share", ascending=False)
    return found[found["share"] > 0].head(_FEATURES)


def quality(lake: Question) -> pd.DataFrame:
    """contract, check_name, field, status, observed, threshold, failing_rows, sentence, run_id, recorded_at: of each contract's newest run."""
    return lake.ask(
        """
        SELECT * FROM ops.quality_runs
        QUALIFY run_id = first_value(run_id) OVER (PARTITION BY contract ORDER BY recorded_at DESC, run_id DESC)
        ORDER BY contract, status = 'passed', check_name, field
        """
    )


def held_runs(lake: Question) -> pd.DataFrame:
    """run_id, contract, why, recorded_at: runs that the gate holds back now."""
    return lake.ask("SELECT run_id, contract, why, recorded_at FROM ops.runs WHERE state = 'held' ORDER BY recorded_at")


def publications(lake: Question) -> pd.DataFrame:
    """table_name, contract, runs, newest, rows: what became visible."""
    return lake.ask(
        """
        SELECT table_name, contract, count(*) AS runs, max(known_at) AS newest FROM ops.runs WHERE state = 'visible'
        GROUP BY ALL ORDER BY table_name, contract
        """
    )
