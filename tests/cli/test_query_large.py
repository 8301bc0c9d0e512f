"""`fleetlake query` of large answers, cut answers and what would be read."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.main import run
from runtime.settings import REPOSITORY
from tests.lake.small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    made.publish([made.reading(seq=n) for n in range(60)], "r.1", 5)
    made.publish([made.reading("b-2", seq=n + 1440) for n in range(60)], "r.2", 6)
    monkeypatch.setenv("FLEETLAKE_HOME", str(made.platform.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(made.platform.settings.contracts_folder))
    return made


ALL = "select seq from silver.boiler order by seq"


@pytest.mark.usefixtures("lake")
def test_a_table_shows_the_first_rows_and_says_that_there_are_more(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", ALL]) == 0
    shown = capsys.readouterr().out
    assert "│  49 │" in shown
    assert "│  50 │" not in shown
    assert "the first 50 rows are shown, there are more; --limit 0 or --output shows more" in shown
    assert run(["query", ALL, "--limit", "0"]) == 0
    assert "120 rows" in capsys.readouterr().out
    assert run(["query", "select range from range(2000)", "--limit", "0"]) == 0
    assert "the first 1000 rows are shown, there are more; --output writes all" in capsys.readouterr().out


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("form", ["csv", "json"])
def test_lines_are_cut_only_when_asked_to_and_it_is_said(form: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["query", ALL, "--format", form, "--limit", "3"]) == 0
    said = capfd.readouterr()
    assert len(said.out.splitlines()) == 3 + (form == "csv")
    assert said.err == "fleetlake: query: the first 3 rows; there are more, which --limit left out\n"
    assert run(["query", ALL, "--format", form]) == 0
    said = capfd.readouterr()
    assert len(said.out.splitlines()) == 120 + (form == "csv")
    assert said.err == ""


@pytest.mark.usefixtures("lake")
def test_a_file_may_be_cut_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", ALL, "-o", str(tmp_path / "x.parquet"), "--limit", "7"]) == 0
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 7
    assert capsys.readouterr().err == f"7 rows in {tmp_path}/x.parquet; there are more, which --limit left out\n"
    assert run(["query", "select 1 where false", "-o", str(tmp_path / "none.csv")]) == 0
    assert (tmp_path / "none.csv").read_text() == '"1"\n'


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_an_answer_that_ends_on_the_way_leaves_no_half_file(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "select case when range > 300000 then error('no more') else range end as n from range(400000)"
    assert run(["query", text, "-o", str(tmp_path / f"x.{form}")]) == 1
    assert "no more" in capsys.readouterr().err
    assert not (tmp_path / f"x.{form}").exists()


@pytest.mark.usefixtures("lake")
def test_explain_says_files_bytes_partitions_and_filter_before_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["query", "select max(water) from silver.boiler where event_time::date = '2026-03-02'", "--explain"]) == 0
    table, where, partitions, *plan = capsys.readouterr().out.splitlines()
    assert table.startswith("silver.boiler: 1 of 2 files, ")
    assert where == "  where event_time >= 2026-03-02 00:00:00Z and event_time < 2026-03-03 00:00:00Z"
    assert partitions == "  partitions 2026-03-02"
    assert "max" in "\n".join(plan).lower()
    assert run(["query", "select 1 from silver.boiler", "--explain", "--as-of", "2026-03-01T12:05:30Z"]) == 0
    shown = capsys.readouterr().out
    assert "no filter that files can be chosen by" in shown
    assert "as of 2026-03-01T12:05:30+00:00" in shown


# About 170 MB as one Arrow table.
LARGE = "select range as n, md5(range::varchar) as a, md5((range + 1)::varchar) as b, random() as c from range(2000000)"


@pytest.mark.usefixtures("lake")
@pytest.mark.parametrize("form", ["csv", "parquet"])
@pytest.mark.long
def test_a_large_answer_is_written_in_a_few_batches_of_memory(form: str, tmp_path: Path) -> None:
    small, large = (_peak_megabytes(text, tmp_path / f"out.{form}") for text in ("select 1", LARGE))
    assert (tmp_path / f"out.{form}").stat().st_size > 130e6
    assert large - small < 80, (small, large)


def _peak_megabytes(text: str, output: Path) -> float:
    """Of a process that runs the command."""
    code = (
        "import resource, sys; from cli.main import run; code = run(sys.argv[1:]); "
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024); sys.exit(code)"
    )
    words = [sys.executable, "-c", code, "query", text, "-o", str(output)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])
