"""The 13 questions as SQL over silver, one text for DuckDB and Spark but for the name of a table and the number of ten minutes."""

# ruff: noqa: S608 - SQL is made here of these very texts, names and a seed's choices

from dataclasses import dataclass
from datetime import datetime, timedelta

from benchmarks.tsbs.trucks import DIAGNOSTICS, READINGS, START, Trucks

# Ten-minute periods of driving that a session has at most, resting 5 minutes an hour of 4 hours, or 35 of 24.
LONG_SESSION, LONG_DAY = 22, 60
_PERIOD = {"duckdb": "epoch_us(event_time) // 600000000", "spark": "unix_micros(event_time) DIV 600000000"}
_PREFIX = {"duckdb": "", "spark": "lake."}


@dataclass(frozen=True)
class Asked:
    """What the questions are asked about: a fleet, some trucks, and the middle of the time that there is."""

    fleet: str
    trucks: tuple[int, ...]
    middle: datetime

    @classmethod
    def of(cls, trucks: Trucks) -> "Asked":
        chosen = tuple(range(0, trucks.trucks, max(1, trucks.trucks // 5)))[:5]
        return cls("South", chosen, START + timedelta(hours=trucks.hours // 2))


_LAST = "SELECT *, row_number() OVER (PARTITION BY device_id ORDER BY event_time DESC) AS place"
_LONG = """
SELECT device_id, max(driver) AS driver FROM (
  SELECT device_id, {period} AS period, max(driver) AS driver FROM {readings}
  WHERE fleet = '{fleet}' AND event_time >= TIMESTAMP '{middle}' AND event_time < TIMESTAMP '{middle}' + INTERVAL {hours} HOUR
  GROUP BY device_id, {period} HAVING avg(velocity) > 1
) AS driven GROUP BY device_id HAVING count(*) > {most}"""

TEXTS: dict[str, str] = {
    "last-loc": f"""
SELECT device_id, driver, longitude, latitude FROM ({_LAST} FROM {{readings}} WHERE fleet = '{{fleet}}') AS t WHERE place = 1""",
    "single-last-loc": f"""
SELECT device_id, driver, longitude, latitude FROM ({_LAST} FROM {{readings}} WHERE device_id IN ({{trucks}})) AS t WHERE place = 1""",
    "low-fuel": f"""
SELECT device_id, driver, fuel_state FROM ({_LAST} FROM {{diagnostics}} WHERE fleet = '{{fleet}}') AS t
WHERE place = 1 AND fuel_state < 0.1""",
    "high-load": f"""
SELECT device_id, driver, current_load FROM ({_LAST} FROM {{diagnostics}} WHERE fleet = '{{fleet}}') AS t
WHERE place = 1 AND current_load / load_capacity > 0.9""",
    "stationary-trucks": """
SELECT device_id, max(driver) AS driver FROM {readings}
WHERE fleet = '{fleet}' AND event_time >= TIMESTAMP '{middle}' AND event_time < TIMESTAMP '{middle}' + INTERVAL 10 MINUTE
GROUP BY device_id HAVING avg(velocity) < 1""",
    "long-driving-sessions": _LONG.replace("{hours}", "4").replace("{most}", str(LONG_SESSION)),
    "long-daily-sessions": _LONG.replace("{hours}", "24").replace("{most}", str(LONG_DAY)),
    "avg-vs-projected-fuel-consumption": """
SELECT fleet, avg(fuel_consumption) AS used, avg(nominal_fuel_consumption) AS projected FROM {readings}
WHERE velocity > 1 AND fleet IS NOT NULL AND nominal_fuel_consumption IS NOT NULL GROUP BY fleet""",
    "avg-daily-driving-duration": """
SELECT max(fleet) AS fleet, device_id, max(driver) AS driver, avg(hours) AS daily_hours FROM (
  SELECT device_id, CAST((period - period % 144) / 144 AS BIGINT) AS day,
    max(fleet) AS fleet, max(driver) AS driver, count(*) / CAST(6 AS DOUBLE) AS hours
  FROM (
    SELECT device_id, {period} AS period, max(fleet) AS fleet, max(driver) AS driver FROM {readings}
    GROUP BY device_id, {period} HAVING avg(velocity) > 1
  ) AS driven GROUP BY device_id, CAST((period - period % 144) / 144 AS BIGINT)
) AS days GROUP BY device_id""",
    "avg-daily-driving-session": """
WITH periods AS (
  SELECT device_id, {period} AS period, avg(velocity) > 5 AS driving FROM {readings}
  WHERE velocity IS NOT NULL GROUP BY device_id, {period}
), changes AS (
  SELECT device_id, period, driving FROM (
    SELECT *, lag(driving) OVER (PARTITION BY device_id ORDER BY period) AS drove FROM periods
  ) AS known WHERE driving <> drove
), sessions AS (
  SELECT device_id, driving, period, (lead(period) OVER (PARTITION BY device_id ORDER BY period) - period) * 600 AS seconds FROM changes
)
SELECT device_id, CAST((period - period % 144) / 144 AS BIGINT) AS day, avg(seconds) AS seconds FROM sessions
WHERE driving GROUP BY device_id, CAST((period - period % 144) / 144 AS BIGINT)""",
    "avg-load": """
SELECT fleet, model, load_capacity, avg(carried / load_capacity) AS share FROM (
  SELECT device_id, max(fleet) AS fleet, max(model) AS model, max(load_capacity) AS load_capacity, avg(current_load) AS carried
  FROM {diagnostics} GROUP BY device_id
) AS trucks GROUP BY fleet, model, load_capacity""",
    "daily-activity": """
SELECT fleet, model, CAST((period - period % 144) / 144 AS BIGINT) AS day, count(*) / CAST(144 AS DOUBLE) AS active FROM (
  SELECT device_id, fleet, model, {period} AS period FROM {diagnostics}
  WHERE fleet IS NOT NULL AND model IS NOT NULL GROUP BY device_id, fleet, model, {period} HAVING avg(status) < 1
) AS periods GROUP BY fleet, model, CAST((period - period % 144) / 144 AS BIGINT)""",
    "breakdown-frequency": """
WITH periods AS (
  SELECT device_id, model, {period} AS period, 2 * sum(CASE WHEN status <> 0 THEN 1 ELSE 0 END) >= count(*) AS is_down FROM {diagnostics}
  WHERE model IS NOT NULL AND status IS NOT NULL GROUP BY device_id, model, {period}
)
SELECT model, count(*) AS breakdowns FROM (
  SELECT *, lead(is_down) OVER (PARTITION BY device_id ORDER BY period) AS is_down_next FROM periods
) AS known WHERE NOT is_down AND is_down_next GROUP BY model""",
}


def text(question: str, engine: str, asked: Asked) -> str:
    """The SQL of a question for ``duckdb`` (`lake.query`) or ``spark``."""
    tables = {name: f"{_PREFIX[engine]}silver.{contract}" for name, contract in (("readings", READINGS), ("diagnostics", DIAGNOSTICS))}
    trucks = ", ".join(f"'truck_{truck}'" for truck in asked.trucks)
    middle = f"{asked.middle:%Y-%m-%d %H:%M:%S}"
    return TEXTS[question].format(period=_PERIOD[engine], fleet=asked.fleet, trucks=trucks, middle=middle, **tables).strip()
