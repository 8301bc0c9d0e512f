"""`fleetlake contracts` as a person sees it."""

from pathlib import Path

import pytest

from cli.main import run
from lake.contracts import load_contract


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FLEETLAKE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(tmp_path / "contracts"))
    return tmp_path / "contracts"


def test_a_new_contract_holds_as_it_is_and_is_not_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contracts", "new", "boiler"]) == 0
    assert [field.name for field in load_contract(folder / "boiler.yaml").fields] == ["temperature_celsius", "is_running", "firmware"]
    assert run(["contracts", "check"]) == 0
    assert "boiler" in capsys.readouterr().out
    (folder / "boiler.yaml").write_text("mine")
    assert run(["contracts", "new", "boiler"]) == 1
    assert "there already" in capsys.readouterr().err
    assert (folder / "boiler.yaml").read_text() == "mine"


@pytest.mark.parametrize("name", ["Boiler", "../boiler", "9boiler", ""])
def test_a_name_that_no_topic_may_have_is_refused_and_leaves_no_file(name: str, folder: Path) -> None:
    assert run(["contracts", "new", name]) == 1
    assert list(folder.parent.rglob("*.yaml")) == []


def test_a_contract_of_one_field_has_one_field(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = "contract: door\nversion: 1\nkind: event\ndescription: Doors.\nfields:\n  is_open: {type: bool}\n"
    (folder / "door.yaml").write_text(text)
    assert run(["contracts", "check"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("event, 1 field")


def test_a_wrong_contract_is_named_with_field_and_reason(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["contracts", "new", "boiler"])
    file = folder / "boiler.yaml"
    file.write_text(file.read_text().replace("min: -40", "min: 400"))
    capsys.readouterr()
    assert run(["contracts", "check"]) == 1
    assert "boiler.yaml, field temperature_celsius: max 85 is below min 400" in capsys.readouterr().err


def test_a_new_contract_has_a_page(folder: Path, tmp_path: Path) -> None:
    run(["contracts", "new", "boiler"])
    assert run(["contracts", "docs", "--output", str(tmp_path / "tables.md")]) == 0
    page = (tmp_path / "tables.md").read_text()
    assert "### gold.boiler_hourly" in page
    assert "| `temperature_celsius` | float64 | degC | -40 … 85 | required | of the housing |" in page
