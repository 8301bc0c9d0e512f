"""Recorded data as devices: columns, times, failures, and the real engines."""

import dataclasses
import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.message import Message, SentReading
from local.replay import Replay, stream
from runtime.errors import UserError
from tests.local.simulator.fleets import CONTRACTS, wrong_fates
from tests.real_data import real_data

NOW = datetime(2026, 11, 20, 10, 7, tzinfo=UTC)
CADENCE_MS = 600_000
# A row of train_FD001.txt, as NASA's file has it.
CMAPSS_ROW = (
    "1 {cycle} -0.0007 -0.0004 100.0 518.67 641.82 1589.70 1400.60 14.62 21.61 554.36 2388.06 9046.19 1.30 47.47 521.66 2388.02 "
    "8138.62 8.4195 0.03 392 2388 100.00 39.06 23.4190"
)
AIR = "room,when,warmth,humidity_percent,co2_ppm\nattic,2026-11-01T10:00:00Z,21.5,40,500\nattic,2026-11-01T10:05:00Z,21.75,41,510\n"
AIR_COLUMNS = {"temperature_celsius": "warmth"}


def cmapss(folder: Path, lives: dict[int, int]) -> Path:
    """A C-MAPSS text file: for each unit so many cycles."""
    rows = [CMAPSS_ROW.format(cycle=cycle).replace("1 ", f"{unit} ", 1) for unit, cycles in lives.items() for cycle in range(1, cycles + 1)]
    file = folder / "train_X.txt"
    file.write_text("\n".join(rows) + "\n")
    return file


def air(folder: Path, text: str = AIR, **changes: Any) -> Replay:
    (folder / "air.csv").write_text(text)
    asked = Replay(folder / "air.csv", contract="environment", columns=AIR_COLUMNS, device_column="room", time_column="when")
    return dataclasses.replace(asked, **changes)


def readings(messages: list[Message]) -> list[SentReading]:
    return [reading for message in messages for reading in message.readings]


def told(messages: list[Message], name: str) -> dict[str, list[Any]]:
    """The values of one member by device, in the order of sending."""
    found: dict[str, list[Any]] = {}
    for message in messages:
        for reading in message.readings:
            if reading.values and name in reading.values:
                found.setdefault(message.device_id, []).append(reading.values[name])
    return found


def test_a_row_of_a_cmapss_text_file_becomes_the_reading_its_columns_say(tmp_path: Path) -> None:
    (message,) = stream(Replay(cmapss(tmp_path, {1: 1})), CONTRACTS, NOW)
    assert (message.device_id, message.contract) == ("train_X-1", "turbofan")
    assert message.readings[0].values == {
        "cycle": 1, "altitude_kft": -0.0007, "mach": -0.0004, "throttle_resolver_angle": 100.0, "t2_fan_inlet": 518.67,
        "t24_lpc_outlet": 641.82, "t30_hpc_outlet": 1589.7, "t50_lpt_outlet": 1400.6, "p2_fan_inlet": 14.62, "p15_bypass_duct": 21.61,
        "p30_hpc_outlet": 554.36, "physical_fan_speed": 2388.06, "physical_core_speed": 9046.19, "engine_pressure_ratio": 1.3,
        "ps30_hpc_outlet": 47.47, "fuel_flow_ratio": 521.66, "corrected_fan_speed": 2388.02, "corrected_core_speed": 8138.62,
        "bypass_ratio": 8.4195, "burner_fuel_air_ratio": 0.03, "bleed_enthalpy": 392.0, "demanded_fan_speed": 2388.0,
        "demanded_corrected_fan_speed": 100.0, "hpt_coolant_bleed": 39.06, "lpt_coolant_bleed": 23.419,
    }  # fmt: skip


def test_all_engines_have_their_last_cycle_at_one_moment_before_now_a_cadence_apart(tmp_path: Path) -> None:
    messages = stream(Replay(cmapss(tmp_path, {1: 3, 2: 5, 10: 1})), CONTRACTS, NOW)
    times: dict[str, list[int]] = {}
    for message in messages:
        times.setdefault(message.device_id, []).extend(reading.ts_ms or 0 for reading in message.readings)
    assert {device: len(moments) for device, moments in times.items()} == {"train_X-01": 3, "train_X-02": 5, "train_X-10": 1}
    # Ten minutes of cadence: the last full one before 10:07 is 10:00, and one is left for what comes after a last row.
    end = datetime(2026, 11, 20, 9, 50, tzinfo=UTC).timestamp() * 1000
    assert {moments[-1] for moments in times.values()} == {end}
    assert {b - a for moments in times.values() for a, b in itertools.pairwise(moments)} == {CADENCE_MS}


def test_each_engine_that_ran_to_failure_says_so_after_its_last_cycle_and_with_its_number(tmp_path: Path) -> None:
    messages = stream(Replay(cmapss(tmp_path, {1: 3, 2: 5}), failures=True), CONTRACTS, NOW)
    events = {message.device_id: message.readings[0] for message in messages if message.contract == "maintenance"}
    assert {device: event.values for device, event in events.items()} == {
        "train_X-1": {"event": "failure", "cycle": 3},
        "train_X-2": {"event": "failure", "cycle": 5},
    }
    last = max(reading.ts_ms or 0 for message in messages if message.contract == "turbofan" for reading in message.readings)
    assert {event.ts_ms for event in events.values()} == {last + 60_000}


def test_with_the_remaining_cycles_the_failures_come_so_much_later_and_before_now(tmp_path: Path) -> None:
    (tmp_path / "RUL.txt").write_text("7\n112\n")
    asked = Replay(cmapss(tmp_path, {1: 3, 2: 5}), remaining=tmp_path / "RUL.txt", readings=False)
    messages = stream(asked, CONTRACTS, NOW)
    assert told(messages, "cycle") == {"train_X-1": [10], "train_X-2": [117]}
    times = {message.device_id: message.readings[0].ts_ms or 0 for message in messages}
    assert times["train_X-2"] - times["train_X-1"] == 105 * CADENCE_MS
    assert max(times.values()) < NOW.timestamp() * 1000


def test_failures_that_would_lie_in_the_future_are_refused(tmp_path: Path) -> None:
    (tmp_path / "RUL.txt").write_text("7\n")
    asked = Replay(cmapss(tmp_path, {1: 3}), remaining=tmp_path / "RUL.txt", end=NOW)
    with pytest.raises(UserError, match="earlier --end"):
        stream(asked, CONTRACTS, NOW)


@pytest.mark.parametrize(
    ("cycles", "words"),
    [("-5\n", "number 1 is -5; it must be from 0 to"), ("99999999999999\n", "number 1 is 99999999999999"), ("many\n", "one whole number")],
)
def test_remaining_cycles_that_none_can_be_are_refused_with_their_line(tmp_path: Path, cycles: str, words: str) -> None:
    (tmp_path / "RUL.txt").write_text(cycles)
    asked = Replay(cmapss(tmp_path, {1: 3}), remaining=tmp_path / "RUL.txt", readings=False)
    with pytest.raises(UserError, match=words):
        stream(asked, CONTRACTS, NOW)


@pytest.mark.parametrize(("cell", "words"), [("", "has nothing as cycle"), ("last", "has 'last' as cycle")])
def test_a_failure_needs_the_cycle_of_its_engines_last_row(tmp_path: Path, cell: str, words: str) -> None:
    file = tmp_path / "engines.csv"
    numbers = [field.name for field in CONTRACTS["turbofan"].numbers if field.name != "cycle"]
    rows = [",".join(["e1", *("1" for _ in numbers), cycle]) for cycle in ("1", cell)]
    file.write_text("\n".join([",".join(["engine", *numbers, "cycle"]), *rows]) + "\n")
    asked = Replay(file, contract="turbofan", device_column="engine", failures=True)
    with pytest.raises(UserError, match=f"the last row of {file.stem}-e1 {words}, so its failure has no cycle"):
        stream(asked, CONTRACTS, NOW)


def test_the_same_replay_with_the_same_end_has_the_same_identities_and_another_end_has_others(tmp_path: Path) -> None:
    file = cmapss(tmp_path, {1: 3})

    def ids(end: datetime) -> set[str | None]:
        return {reading.event_id for reading in readings(stream(Replay(file, end=end), CONTRACTS, NOW))}

    assert ids(NOW) == ids(NOW)
    assert not ids(NOW) & ids(NOW - timedelta(hours=1))


def test_a_csv_names_its_columns_device_and_time(tmp_path: Path) -> None:
    messages = stream(air(tmp_path), CONTRACTS, NOW)
    assert told(messages, "temperature_celsius") == {"air-attic": [21.5, 21.75]}
    ten = datetime(2026, 11, 1, 10, tzinfo=UTC).timestamp() * 1000
    assert [reading.ts_ms for reading in readings(messages)] == [ten, ten + 300_000]


def test_an_end_moves_recorded_times_so_that_the_newest_is_there(tmp_path: Path) -> None:
    messages = stream(air(tmp_path, end=NOW), CONTRACTS, NOW)
    now_ms = NOW.timestamp() * 1000
    assert [reading.ts_ms for reading in readings(messages)] == [now_ms - 300_000, now_ms]


def test_without_a_device_column_the_file_is_one_device(tmp_path: Path) -> None:
    assert {message.device_id for message in stream(air(tmp_path, device_column=""), CONTRACTS, NOW)} == {"air"}


def test_recorded_values_that_decode_must_refuse_have_that_fate(tmp_path: Path) -> None:
    rows = [
        "2026-11-01T10:10:00Z,99,40,500",
        "2026-11-01T10:15:00Z,,40,500",
        "1999-11-01T10:15:00Z,21,40,500",
        "2027-11-01T10:15:00Z,21,40,500",
    ]
    text = AIR + "".join(f"attic,{row}\n" for row in rows)
    messages = stream(air(tmp_path, text), CONTRACTS, NOW)
    assert wrong_fates(messages) == []
    assert Counter(reading.fate for reading in readings(messages)) == {
        "silver": 2, "quarantine:out_of_range": 1, "quarantine:missing": 1, "quarantine:bad_time": 1, "quarantine:future_time": 1,
    }  # fmt: skip


def test_a_text_where_numbers_stand_is_sent_as_it_is_and_costs_no_other_row(tmp_path: Path) -> None:
    messages = stream(air(tmp_path, AIR + "attic,2026-11-01T10:10:00Z,warm,40,500\n"), CONTRACTS, NOW)
    assert wrong_fates(messages) == []
    assert [reading.fate for reading in readings(messages)] == ["silver", "silver", "quarantine:wrong_type"]
    assert told(messages, "temperature_celsius") == {"air-attic": [21.5, 21.75]}


def test_nan_in_a_parquet_file_is_a_missing_value(tmp_path: Path) -> None:
    columns = {"warmth": [21.0, float("nan")], "humidity_percent": [40, 41], "co2_ppm": [500.0, 510.0]}
    pq.write_table(pa.table(columns), tmp_path / "air.parquet")
    messages = stream(Replay(tmp_path / "air.parquet", contract="environment", columns=AIR_COLUMNS), CONTRACTS, NOW)
    assert wrong_fates(messages) == []
    assert [reading.fate for reading in readings(messages)] == ["silver", "quarantine:missing"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"file": Path("absent.csv")}, "no such file"),
        ({"contract": ""}, "--contract"),
        ({"contract": "submarine"}, "there is none"),
        ({"columns": {"temperature_celsius": "hotness"}}, "no column for the required temperature_celsius"),
        ({"columns": {"depth": "warmth"}}, "no field depth"),
        ({"device_column": "flat"}, "there is no column flat; there are room, when"),
        ({"time_column": "room"}, r"row 1: column room holds no time: 'attic'; it must be ISO 8601 .*epoch seconds"),
        ({"prefix": "my air-"}, "row 1: 'attic' makes the device id 'my air-attic'.*--prefix"),
        ({"failures": True}, "no lifetime counter"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_the_reason(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        stream(air(tmp_path, **changes), CONTRACTS, NOW)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.parquet", b"no parquet", "cannot be read as .parquet"),
        ("a.csv", b"", "cannot be read as .csv"),
        ("a.csv", b"x,y\n", "no row"),
        ("a.csv", b"x,x\n1,2\n", "more than one column is called x"),
        ("a.csv", b"x;y\n1;2\n", "its only column is 'x;y'; columns must be parted by commas"),
        ("a.csv", b"x,y\nr\xe9,2\n", "column x is not UTF-8"),
        ("a.txt", b"1 2 3\n", "row 1 has 3 values"),
        ("a.txt", b"\xff\xfe", "cannot be read as .txt"),
        ("a.xls", b"", "it reads .parquet, .csv, .txt"),
    ],
)
def test_a_file_that_is_broken_is_refused_in_one_line(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words) as refused:
        stream(Replay(tmp_path / name, contract="environment"), CONTRACTS, NOW)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("train_FD001", 20631),
        ("test_FD001", 13096),
        ("train_FD002", 53759),
        ("test_FD002", 33991),
        ("train_FD003", 24720),
        ("train_FD004", 61249),
    ],
)
def test_every_row_of_the_real_engines_is_within_the_contract(name: str, rows: int) -> None:
    """By DuckDB over the file, column by column: the row counts are the published ones."""
    import duckdb

    from local.recorded import CMAPSS_FIELDS

    fields = {field.name: field for field in CONTRACTS["turbofan"].fields}
    bounds = " AND ".join(
        f"{column} BETWEEN {fields[name].min} AND {fields[name].max if fields[name].max is not None else 10**9}"
        for name, column in CMAPSS_FIELDS.items()
    )
    file = real_data("cmapss") / f"{name}.parquet"
    assert duckdb.connect().execute(f"SELECT count(*), count(*) FILTER (WHERE {bounds}) FROM '{file}'").fetchone() == (rows, rows)


def test_no_sensor_of_the_real_engines_that_must_move_is_flat_for_thirty_cycles() -> None:
    import duckdb

    from local.recorded import CMAPSS_FIELDS

    file = real_data("cmapss") / "train_FD001.parquet"
    for field in CONTRACTS["turbofan"].numbers:
        if field.may_be_constant or field.lifetime_counter:
            continue
        column = CMAPSS_FIELDS[field.name]
        moved = (
            f"SELECT unit, cycle, {column} IS DISTINCT FROM lag({column}) OVER (PARTITION BY unit ORDER BY cycle) AS moved FROM '{file}'"
        )
        runs = f"SELECT unit, sum(moved::int) OVER (PARTITION BY unit ORDER BY cycle) AS run FROM ({moved})"
        longest = duckdb.connect().execute(f"SELECT max(n) FROM (SELECT count(*) AS n FROM ({runs}) GROUP BY unit, run)").fetchone()
        assert longest is not None
        assert longest[0] < 30, field.name


def test_the_real_training_engines_are_sent_whole() -> None:
    file = real_data("cmapss") / "train_FD001.parquet"
    messages = stream(Replay(file, failures=True), CONTRACTS, NOW)
    assert Counter(message.contract for message in messages for _ in message.readings) == {"turbofan": 20631, "maintenance": 100}
    assert {reading.fate for reading in readings(messages)} == {"silver"}
    assert sorted(told([m for m in messages if m.contract == "maintenance"], "cycle").values())[-1] == [362]  # the longest life of FD001


def test_a_row_without_a_time_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="row 3: column when is empty"):
        stream(air(tmp_path, AIR + "attic,,21,40,500\n"), CONTRACTS, NOW)
