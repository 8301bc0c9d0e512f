"""What the report shows, asked of the lake by SQL; each answer is empty where the lake has nothing to say yet."""

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lake.contracts import Contract, load_contracts
from lake.query import sql
from runtime.platforms import Platform

ENGINE = "turbofan"
CAP = 125
_SENSORS = 4
_ENGINES = 4


@dataclass(frozen=True)
class Question:
    """Asks one lake."""

    platform: Platform

    def ask(self, text: str, *parameters: Any) -> pd.DataFrame:
        return sql(text, platform=self.platform, parameters=parameters).pandas()

    @property
    def contracts(self) -> list[Contract]:
        return list(load_contracts(self.platform.settings.contracts_folder).values())


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


def true_and_predicted(lake: Question) -> pd.DataFrame:
    """device_id, at, cycle, score, lower, upper, true_life, is_last: predictions that were public before the failure they are about.

    `true_life` is in cycles; the newest version's prediction of a moment counts.
    """
    return lake.ask(
        """
        WITH failure AS (
            SELECT m.device_id, m.event_time, m.cycle, r.known_at
            FROM silver.maintenance m JOIN ops.runs r ON m.run_id = r.run_id AND r.table_name = 'silver.maintenance'
            WHERE m.event = 'failure'
        ), predicted AS (
            SELECT p.device_id, p.at, p.score, p.lower, p.upper, r.known_at,
                   row_number() OVER (PARTITION BY p.device_id, p.at ORDER BY r.known_at DESC) AS newest
            FROM gold.predictions p JOIN ops.runs r ON p.run_id = r.run_id AND r.table_name = 'gold.predictions'
            WHERE p.model = 'rul' AND p.contract = 'turbofan'
        ), met AS (
            SELECT p.device_id, p.at, s.cycle, p.score, p.lower, p.upper, f.cycle - s.cycle AS true_life, f.event_time AS failed_at,
                   row_number() OVER (PARTITION BY p.device_id, p.at ORDER BY f.event_time) AS next_failure
            FROM predicted p
            JOIN silver.turbofan s ON s.device_id = p.device_id AND s.event_time = p.at
            JOIN failure f ON f.device_id = p.device_id AND f.event_time >= p.at AND p.known_at < f.known_at
            WHERE p.newest = 1
        )
        SELECT device_id, "at", cycle, score, lower, upper, true_life,
               row_number() OVER (PARTITION BY device_id, failed_at ORDER BY "at" DESC) = 1 AS is_last
        FROM met WHERE next_failure = 1 AND true_life >= 0 ORDER BY device_id, "at"
        """
    )


def next_failures(lake: Question) -> pd.DataFrame:
    """device_id, at, cycle, score, lower, upper, version: the newest prediction of each engine that has not failed since, worst first."""
    return lake.ask(
        """
        WITH newest AS (
            SELECT DISTINCT ON (device_id) * FROM gold.predictions
            WHERE model = 'rul' AND contract = 'turbofan' ORDER BY device_id, "at" DESC, version DESC
        )
        SELECT n.device_id, n.at, s.cycle, n.score, n.lower, n.upper, n.version
        FROM newest n JOIN silver.turbofan s ON s.device_id = n.device_id AND s.event_time = n.at
        WHERE NOT EXISTS (FROM silver.maintenance m WHERE m.device_id = n.device_id AND m.event = 'failure' AND m.event_time >= n.at)
        ORDER BY n.score, n.device_id
        """
    )


def worst_engines(lake: Question, failing: pd.DataFrame) -> tuple[list[str], list[str], pd.DataFrame]:
    """Engines nearest to failure, sensors that tell of wear, and the engines' readings: device_id, cycle and the sensors."""
    contract = next((contract for contract in lake.contracts if contract.name == ENGINE), None)
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


def importance(lake: Question) -> pd.DataFrame:
    """feature, share: what the newest trained model looks at, from its recorded figures."""
    runs = lake.ask("SELECT metrics FROM ops.model_runs WHERE kind = 'train' AND model = 'rul' ORDER BY recorded_at DESC LIMIT 1")
    figures = json.loads(runs["metrics"][0] or "{}") if len(runs) else {}
    found = pd.DataFrame(list(dict(figures.get("importance", {})).items()), columns=["feature", "share"])
    total = found["share"].sum()
    found["share"] = found["share"] / total if total else found["share"]
    return found.sort_values("share", ascending=False).head(15)


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
