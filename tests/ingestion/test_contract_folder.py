"""Contracts that change while the worker runs."""

from pathlib import Path

from tests.ingestion.bench import Bench
from tests.ingestion.builders import BOILER, body, pack, reading


def test_a_new_contract_counts_without_a_restart(made: Bench, tmp_path: Path) -> None:
    made.send(body(pack(reading(0)), contract="kettle"))
    made.work()
    (tmp_path / "contracts" / "kettle.yaml").write_text(BOILER.replace("boiler", "kettle"))
    made.send(body(pack(reading(1)), contract="kettle"))
    made.work()
    assert [row["reason"] for row in made.rows("quarantine/")] == ["unknown_contract"]
    assert [row["seq"] for row in made.rows("bronze/kettle/")] == [1]


def test_a_second_version_of_a_contract_types_its_new_field(made: Bench, tmp_path: Path) -> None:
    made.send(body(pack(reading(0, pressure=1.5))))
    made.work()
    newer = BOILER.replace("version: 1", "version: 2") + "  pressure: {type: float64, unit: bar}\n"
    (tmp_path / "contracts" / "boiler.v2.yaml").write_text(newer)
    made.send(body(pack(reading(1, pressure=1.5), reading(2))))
    made.work()
    told = {row["seq"]: (row.get("pressure"), row["_extra"]) for row in made.rows("bronze/")}
    assert told == {0: (None, '{"pressure":1.5}'), 1: (1.5, None), 2: (None, None)}


def test_a_contract_file_that_is_wrong_leaves_the_others_as_they_were(made: Bench, tmp_path: Path) -> None:
    made.work()
    (tmp_path / "contracts" / "kettle.yaml").write_text("contract: kettle\n")
    made.send(body(pack(reading(0))))
    made.work()
    assert len(made.rows("bronze/boiler/")) == 1
