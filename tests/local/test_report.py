"""The report: what it says is what the lake says, and it is a page on its own."""

import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lake.tables import PREDICTIONS
from local import report
from local.report import render, write_report
from local.report_data import Question, importance, judged, next_failures, quarantined, readings_per_hour, scoring_version, worst_engines
from runtime.errors import UserError
from tests.local.engine_lake import CADENCE, START, EngineLake

pytestmark = pytest.mark.long

IMPORTANCE = {"t50_lpt_outlet_mean_30": 0.6, "ps30_hpc_outlet_ewma": 0.3, "age": 0.1}
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> EngineLake:
    return EngineLake(tmp_path_factory.mktemp("engines"), engines=4, cycles=40)


@pytest.fixture(scope="module")
def page(lake: EngineLake) -> str:
    return write_report(lake.platform, [lake.truth.file]).read_text()


@pytest.fixture
def empty(tmp_path: Path) -> EngineLake:
    return EngineLake(tmp_path, engines=0)


def engine_with_cycles(lake: EngineLake, name: str, cycles: int) -> None:
    contract = lake.contracts["turbofan"]
    rows = [lake.reading(contract, name, cycle - 1, CADENCE * cycle, 0.0, cycle=cycle) for cycle in range(1, cycles + 1)]
    lake.engines_through(rows, f"silver.{name}")


def predict(lake: EngineLake, name: str, cycle: int, score: float, run: str, hours: float) -> None:
    known = {"contract": "turbofan", "model": "rul", "version": "v1", "device_id": name, "at": START + CADENCE * cycle}
    lake.append(PREDICTIONS, [known | {"score": score, "lower": score - 5, "upper": score + 5, "run_id": run}])
    lake.visible(run, PREDICTIONS, "turbofan", START + timedelta(hours=hours))


def fail(lake: EngineLake, name: str, cycle: int, hours: float) -> None:
    contract = lake.contracts["maintenance"]
    row = lake.reading(contract, name, cycle, CADENCE * cycle, 0.0, event="failure", cycle=cycle)
    lake.through(contract, [row], f"maintenance.{name}.{cycle}", hours)


def test_the_page_says_that_the_law_holds_and_how_many_readings_it_is_about(lake: EngineLake, page: str) -> None:
    acknowledged = len(re.findall(r'"kind": "reading"', lake.truth.file.read_text()))
    assert "The law holds" in page
    assert f"{acknowledged:,} readings were acknowledged" in page


def test_the_page_needs_no_network(page: str) -> None:
    without_library = page.split("</style>")[0] + page.split("<body>")[1]
    assert re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)[^\"']+", without_library) == []
    assert "@import" not in without_library
    assert not re.search(r"<script[^>]+src", page)


def test_a_held_run_and_a_failed_check_are_told_with_what_to_do(page: str) -> None:
    assert "run pipeline_pump.2 of pump is held" in page
    assert "fleetlake quality accept|refuse pipeline_pump.2" in page
    assert "pump-2 sent the same flow 41 times" in page
    assert "null share of 3 fields" in page


def test_an_empty_lake_has_a_page_too(tmp_path: Path) -> None:
    from tests.lake.small_lake import SmallLake

    page = write_report(SmallLake(tmp_path).platform, [], tmp_path / "out").read_text()
    assert "The law is unknown" in page
    assert "No reading is visible yet." in page


def test_a_broken_law_is_the_first_thing_on_the_page(tmp_path: Path) -> None:
    lake = EngineLake(tmp_path, engines=1, cycles=10)
    row = lake.reading(lake.contracts["pump"], "pump-9", 0, CADENCE, 0.5)
    lake.through(lake.contracts["pump"], [row], "a.1")
    lake.append_silver("pump", [row | {"run_id": "b.1"}])
    page = write_report(lake.platform, [lake.truth.file]).read_text()
    assert "The law does not hold" in page
    assert "visible twice: pump of pump-9" in page


def test_a_folder_that_cannot_be_written_is_one_sentence(lake: EngineLake, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_report(lake.platform, [], tmp_path / "file" / "report")


def test_a_prediction_counts_as_one_only_when_it_was_public_before_the_failure(empty: EngineLake) -> None:
    engine_with_cycles(empty, "e-1", 20)
    predict(empty, "e-1", 10, 14.0, "before.1", hours=1)
    predict(empty, "e-1", 12, 9.0, "before.2", hours=2)
    fail(empty, "e-1", 22, hours=3)
    predict(empty, "e-1", 18, 4.0, "after.1", hours=4)
    found, figures = judged(Question(empty.platform), "v1")
    assert found[["score", "rul", "is_last"]].to_numpy().tolist() == [[14.0, 12, False], [9.0, 10, True]]
    assert (figures.engines, figures.rmse_capped) == (1, 1.0)


def test_the_engines_nearest_to_failure_are_those_that_have_not_failed_since(empty: EngineLake) -> None:
    for name, score in (("e-1", 30.0), ("e-2", 5.0), ("e-3", 1.0)):
        engine_with_cycles(empty, name, 20)
        predict(empty, name, 10, 99.0, f"early.{name}", hours=1)
        predict(empty, name, 20, score, f"late.{name}", hours=2)
    fail(empty, "e-3", 22, hours=3)
    lake = Question(empty.platform)
    assert scoring_version(lake) == "v1"
    found = next_failures(lake, "v1", 10)
    assert found[["device_id", "cycle", "score"]].to_numpy().tolist() == [["e-2", 20, 5.0], ["e-1", 20, 30.0]]


def test_an_engines_sensors_are_shown_for_its_present_life(empty: EngineLake) -> None:
    contract = empty.contracts["turbofan"]
    counts = [1, 2, 3, 4, 1, 2]
    rows = [empty.reading(contract, "e-1", n, CADENCE * n, n / 5, cycle=cycle) for n, cycle in enumerate(counts)]
    empty.through(contract, rows, "a.1")
    engines, sensors, readings = worst_engines(Question(empty.platform), pd.DataFrame({"device_id": []}))
    assert engines == ["e-1"]
    assert len(sensors) == 4
    assert readings["cycle"].tolist() == [1, 2]


def test_readings_count_by_the_hour_they_were_measured_in(empty: EngineLake) -> None:
    found = readings_per_hour(Question(empty.platform))
    pumps = found[found["contract"] == "pump"]
    # Three pumps, a reading every ten minutes, for twenty hours.
    assert pumps["readings"].tolist() == [18] * 20


def test_refused_readings_count_by_reason(lake: EngineLake) -> None:
    found = quarantined(Question(lake.platform))
    assert found[["reason", "readings"]].to_numpy().tolist() == [["not_finite", 9], ["out_of_range", 5], ["not_json", 3]]


def test_importance_names_the_features_that_count_most_first() -> None:
    found = importance({"a": 0.2, "b": 0.7, "unused": 0.0, "c": 0.1})
    assert found.to_numpy().tolist() == [["b", 0.7], ["a", 0.2], ["c", 0.1]]


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_every_picture_is_drawn_in_a_browser(lake: EngineLake, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(render(lake.platform, [lake.truth.file], START, IMPORTANCE))
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update "
        f"--disable-sync --user-data-dir={tmp_path / 'profile'} --virtual-time-budget=8000 --dump-dom"
    ).split()
    dom = subprocess.run([str(CHROMIUM), *flags, page.as_uri()], capture_output=True, text=True, check=True, timeout=120).stdout
    drawn = dom.split("<body>")[1]
    # Latency, readings per hour, sensors, errors, importance, quarantine.
    assert drawn.count('class="plotly-graph-div js-plotly-plot"') == 6
    assert drawn.count("svg-container") == 6


def test_a_check_that_had_nothing_to_look_at_is_not_shown_as_passed() -> None:
    def row(check: str, field: str | None, observed: float | None, status: str = "passed") -> dict[str, Any]:
        facts = {"check_name": check, "field": field, "observed": observed, "threshold": 1.0, "status": status, "sentence": "s"}
        return {"contract": "pump", **facts}

    rows = [row("volume", None, None), row("completeness", None, 0.98), row("stuck", "a", 0), row("stuck", "b", 0)]
    shown = {found["check"]: found["status"] for found in report._checks(pd.DataFrame(rows))}
    assert shown == {"volume": "not judged", "completeness": "passed", "stuck of 2 fields": "passed"}
