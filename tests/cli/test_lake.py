"""`fleetlake lake` as a person or a script sees it, with a lake in a folder and a small program where Spark would run."""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from cli.main import run
from lake.catalog import ensure_tables
from lake.maintenance import Action, Proof, Verdict, read_proofs, record
from lake.tables import OPS, iceberg_tables
from runtime.clock import FixedClock
from runtime.local import LocalPlatform
from tests.lake.small_lake import SmallLake

# Writes down what it was asked, where the test finds it.
PROGRAM = "import json, os, sys; open(os.environ['FLEETLAKE_HOME'] + '/asked.jsonl', 'a').write(json.dumps(sys.argv[1:]) + '\\n')"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    lake = SmallLake(tmp_path)
    ensure_tables(lake.platform, iceberg_tables([lake.boiler]))
    for name, value in lake.platform.settings.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(LocalPlatform, "spark_command", lambda self, arguments: [sys.executable, "-c", PROGRAM, *arguments])
    return lake


def asked(lake: SmallLake) -> list[list[str]]:
    file = lake.platform.settings.home / "asked.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def option(arguments: list[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


def test_maintain_is_one_job_for_all_contracts_and_what_they_share(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lake", "maintain"]) == 0
    (arguments,) = asked(lake)
    assert arguments[:3] == ["maintain", "--contract", "boiler,_shared"]
    assert capsys.readouterr().out.strip() == "nothing to do"


def test_single_tables_are_asked_of_those_who_have_them(lake: SmallLake) -> None:
    assert run(["lake", "maintain", "--table", "gold.boiler_hourly", "--table", "ops.ledger", "--table", "silver.boiler"]) == 0
    of = {option(arguments, "--contract"): option(arguments, "--table") for arguments in asked(lake)}
    assert of == {"boiler": "gold.boiler_hourly,silver.boiler", "_shared": "ops.ledger"}


def test_a_table_that_is_none_is_refused(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lake", "maintain", "--table", "silver.toaster"]) == 1
    assert "maintain silver.toaster: there is no such Iceberg table; there are silver.boiler" in capsys.readouterr().err
    assert asked(lake) == []


def test_a_dry_run_says_what_would_be_done_and_starts_no_job(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(6):
        lake.publish([lake.reading("b-1", number)], f"a{number}.1", number)
    assert run(["lake", "maintain", "--dry-run", "--table", "silver.boiler"]) == 0
    assert capsys.readouterr().out.splitlines() == ["silver.boiler: 1 partitions would be compacted"]
    assert run(["lake", "maintain", "--dry-run", "--json", "--table", "silver.boiler"]) == 0
    assert json.loads(capsys.readouterr().out) == ["silver.boiler: 1 partitions would be compacted"]
    assert asked(lake) == []
    assert read_proofs(lake.platform) == []


def test_proofs_of_the_run_are_shown(lake: SmallLake, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.token_hex", lambda _: "abcd")
    proof = Proof(
        "maintain-abcd.1", Action.COMPACT, "silver.boiler", Verdict.HOLDS, rows_before=7, rows_after=7, files_before=9, files_after=1
    )
    for found in (proof, Proof("another.1", Action.EXPIRE, "silver.boiler", Verdict.HOLDS)):
        record(lake.platform, FixedClock(datetime(2026, 3, 1, tzinfo=UTC)), found)
    assert run(["lake", "maintain", "--json"]) == 0
    (shown,) = json.loads(capsys.readouterr().out)
    assert (shown["run_id"], shown["files_before"], shown["verdict"]) == ("maintain-abcd.1", 9, "holds")
    assert run(["lake", "maintain"]) == 0
    assert "9 → 1" in capsys.readouterr().out


def test_erase_asks_before_it_begins(lake: SmallLake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []

    def no(question: str, **_: Any) -> bool:
        import typer

        said.append(question)
        raise typer.Abort

    monkeypatch.setattr("typer.confirm", no)
    assert run(["lake", "erase", "b-1", "--why", "sold"]) == 1
    assert said == ["Erase b-1 from every table, object, queue and snapshot? It cannot be brought back"]
    assert asked(lake) == []
    assert run(["lake", "erase", "b-1", "--why", "sold", "--yes"]) == 0
    (arguments,) = asked(lake)
    assert arguments[:3] == ["erase", "--contract", "_shared"]
    assert (option(arguments, "--device"), option(arguments, "--why")) == ("b-1", "sold")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["b-1", "--why", " "], "a reason is needed"),
        (["b-1", "--why", "b-1 was sold"], "the reason names the device"),
        ([" ", "--why", "sold"], "the device's id is empty"),
    ],
)
def test_erase_refuses_what_cannot_be(lake: SmallLake, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert run(["lake", "erase", "--yes", *arguments]) == 1
    assert said in capsys.readouterr().err
    assert asked(lake) == []


def test_the_tables_of_operation_are_all_shared() -> None:
    from cli.lake import _shared

    assert {table.name for table in OPS} < set(_shared())
