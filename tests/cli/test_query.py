"""`fleetlake query` as a person or a script sees it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.demo import QUESTIONS
from cli.main import run
from runtime.settings import REPOSITORY
from tests.lake.small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    made.publish([made.reading(seq=0, mode="eco", burning=True), made.reading(seq=1)], "r.1", 5)
    monkeypatch.setenv("FLEETLAKE_HOME", str(made.platform.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(made.platform.settings.contracts_folder))
    return made


@pytest.mark.usefixtures("lake")
def test_a_table_shows_columns_rows_and_their_number(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select seq, water, mode, event_time from silver.boiler order by seq"]) == 0
    shown = capsys.readouterr().out
    for words in ("water", "51", "eco", "2026-03-01 12:01:00Z", "2 rows"):
        assert words in shown


@pytest.mark.usefixtures("lake")
def test_more_columns_than_stand_side_by_side_are_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    names = [f"sensor_{n}" for n in range(25)]
    assert run(["query", f"select {', '.join(f'10{n} as {name}' for n, name in enumerate(names))} union all select {'7, ' * 24} 7"]) == 0
    shown = capsys.readouterr().out
    first, second = shown.split("├")[0], shown.split("┤")[-1]
    assert [line.replace("│", " ").split() for line in first.splitlines() if "sensor" in line] == [
        [name, f"10{n}"] for n, name in enumerate(names)
    ]
    assert [line.replace("│", " ").split() for line in second.splitlines() if "sensor" in line] == [[name, "7"] for name in names]
    assert "2 rows" in shown


@pytest.mark.usefixtures("lake")
def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select seq, event_time, 'nan'::double as n, 'ab'::blob as b from silver.boiler order by seq", "-f", "json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == {"seq": 0, "event_time": "2026-03-01T12:00:00+00:00", "n": None, "b": "6162"}
    assert len(lines) == 2


@pytest.mark.usefixtures("lake")
def test_columns_of_one_name_keep_their_values(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    said = []
    for form in ("table", "json", "csv"):
        assert run(["query", "select 1 as a, 2 as a, 3 as a_1, 4 as A", "--format", form]) == 0
        said.append(capfd.readouterr().out.splitlines())
    # As DuckDB itself names them: SELECT * FROM (SELECT 1 AS a, …).
    names, values = said[0][1], said[0][3]
    assert [name.strip() for name in names.split("┃")[1:-1]] == ["a", "a_1", "a_1_1", "A_2"]
    assert [value.strip() for value in values.split("│")[1:-1]] == ["1", "2", "3", "4"]
    assert said[1] == ['{"a": 1, "a_1": 2, "a_1_1": 3, "A_2": 4}']
    assert said[2] == ['"a","a_1","a_1_1","A_2"', "1,2,3,4"]
    assert run(["query", "select 1 as a, 2 as a", "-o", str(tmp_path / "out.parquet")]) == 0
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [{"a": 1, "a_1": 2}]


@pytest.mark.usefixtures("lake")
def test_each_question_that_the_demo_recommends_is_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(REPOSITORY / "contracts"))
    assert [run(["query", question]) for question in QUESTIONS] == [0, 0, 0]


@pytest.mark.usefixtures("lake")
def test_an_interval_is_iso_8601_wherever_it_is_written(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for form, line in (("csv", '"P1M2DT3.5S"'), ("json", '{"i": "P1M2DT3.5S"}'), ("table", "│ P1M2DT3.5S │")):
        assert run(["query", "select interval '1 month 2 days 3.5 seconds' as i", "--format", form]) == 0
        assert line in capfd.readouterr().out.splitlines(), form
    assert run(["query", "select interval 1 day as i", "-o", str(tmp_path / "i.parquet")]) == 1
    assert "cast that column to VARCHAR" in capfd.readouterr().err


def test_a_wrong_contract_file_is_a_line_and_the_others_are_asked(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    (lake.file.parent / "broken.yaml").write_text("contract: broken\nversion: one\n")
    for words, code in ((["query", "select seq from silver.boiler"], 0), (["query", "select * from silver.broken"], 1)):
        assert run(words) == code
        said = capsys.readouterr().err.splitlines()
        assert said[0] == (
            "fleetlake: warning: contract broken.yaml, version: 'one' must be a whole number of at least 1; all else goes on without it"
        )
        assert len(said) == 1 + code
    assert run(["contracts", "check"]) == 1


@pytest.mark.usefixtures("lake")
def test_a_map_is_json_as_a_list_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select map {'a': 1} as m", "--format", "json"]) == 0
    assert capsys.readouterr().out == '{"m": [["a", 1]]}\n'


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("form", ["table", "csv", "json"])
@pytest.mark.parametrize("output", ["> /dev/full", ">&-"])
@pytest.mark.parametrize("debug", ["", "1"])
@pytest.mark.long
def test_an_output_that_takes_nothing_is_one_line_and_exit_code_1(form: str, output: str, debug: str) -> None:
    words = f"{sys.executable} -m cli.main query 'select 1 as a' --format {form} {output}"
    environment = os.environ | {"FLEETLAKE_DEBUG": debug, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(["sh", "-c", words], cwd=REPOSITORY, env=environment, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    reason = "it is closed" if output == ">&-" else "No space left on device"
    assert done.stderr.splitlines()[-1] == f"fleetlake: query: cannot write standard output: {reason}"
    assert debug or len(done.stderr.splitlines()) == 1


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(("words", "code"), [(["query"], 2), (["query", "selec"], 1), (["verify", "--wait", "0"], 3)])
def test_debug_shows_the_traceback_and_keeps_the_exit_code(
    words: list[str], code: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLEETLAKE_DEBUG", "1")
    assert run(words) == code
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.splitlines()[-1].startswith("fleetlake: ")


@pytest.mark.usefixtures("lake")
def test_csv_and_parquet_are_written(capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> None:
    assert run(["query", "select seq, [seq] as l from silver.boiler order by seq", "--format", "csv"]) == 0
    assert b'0,"[0]"' in capfdbinary.readouterr().out
    assert run(["query", "select * from silver.boiler", "--output", str(tmp_path / "out.parquet")]) == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["query", "select * from silver.nothing"], 1, "the tables are"),
        (["query", "selec"], 1, "syntax error"),
        (["query", "select 1", "--as-of", "2999-01-01T00:00:00Z"], 1, "future"),
        (["query", "select 1", "--format", "xml"], 2, "table, csv, json, parquet"),
        (["query", "select 1", "--format", "parquet"], 2, "--output"),
        (["query"], 2, "SQL"),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == code
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


def test_a_file_whose_ending_and_format_differ_and_an_explanation_into_a_file_are_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(["query", "SELECT 1", "-o", str(tmp_path / "x.parquet"), "-f", "csv"]) == 2
    assert "the file ends in .parquet, and --format says csv" in capsys.readouterr().err
    assert run(["query", "SELECT 1", "-o", str(tmp_path / "x.csv"), "--explain"]) == 2
    assert "leave --output out" in capsys.readouterr().err
    assert list(tmp_path.glob("x.*")) == []


@pytest.mark.usefixtures("lake")
def test_the_time_of_knowledge_is_said_under_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select count(*) as n from silver.boiler", "--as-of", "2026-03-01T12:04:00Z"]) == 0
    shown = capsys.readouterr().out
    assert "as of 2026-03-01T12:04:00+00:00" in shown
    assert " 0 " in shown


@pytest.mark.usefixtures("lake")
@pytest.mark.long
def test_an_interrupt_ends_a_heavy_query_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    # What a query imports is there, so that the signal meets the query itself.
    assert run(["query", "select 1"]) == 0
    capsys.readouterr()
    interrupt = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT))
    interrupt.start()
    begun = time.monotonic()
    assert run(["query", "select count(*) from range(200000) a, range(200000) b, range(3000) c where a.range + b.range * c.range = 7"]) == 1
    assert 0.9 < time.monotonic() - begun < 6
    assert capsys.readouterr().err == "fleetlake: interrupted; what was acknowledged is kept, and the same command can be run again\n"


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_file_that_cannot_be_written_is_named_with_the_reason(ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select 1", "-o", f"/nonexist/x.{ending}"]) == 1
    assert capsys.readouterr().err == f"fleetlake: query: cannot write /nonexist/x.{ending}: No such file or directory\n"
