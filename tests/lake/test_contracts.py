"""Contracts: what is read from a file, what is refused with which words, and what a new version may change."""

from pathlib import Path

import pytest

from lake.contracts import Contract, Contracts, Downsample, Retention, load_contract, load_contracts, sound_contracts
from runtime.errors import ContractError, ContractWarning

ROOT = Path(__file__).resolve().parents[2]

LIFT = """\
contract: lift
version: 1
description: Lifts.
cadence_seconds: 60
fields:
  load: {type: float64, unit: kg, min: 0, max: 2000, required: true}
  door: {type: string, enum: [open, closed]}
  floor: {type: int64, unit: "1"}
"""


def contract(folder: Path, text: str = LIFT, name: str = "lift.yaml") -> Contract:
    (folder / name).write_text(text)
    return load_contract(folder / name)


def refusal(folder: Path, old: str, new: str) -> str:
    assert old in LIFT
    with pytest.raises(ContractError) as caught:
        contract(folder, LIFT.replace(old, new))
    return str(caught.value)


def test_a_contract_is_read_with_its_fields(tmp_path: Path) -> None:
    lift = contract(tmp_path)
    assert (lift.name, lift.version, lift.kind, lift.cadence_seconds, lift.late_days) == ("lift", 1, "measurement", 60, 7)
    load = lift.field("load")
    assert (load.type, load.unit, load.min, load.max, load.required) == ("float64", "kg", 0, 2000, True)
    assert lift.field("door").enum == ("open", "closed")


def test_the_shipped_contracts_load_and_are_the_four_of_the_skeleton() -> None:
    contracts = load_contracts(ROOT / "contracts")
    assert sorted(contracts) == ["environment", "maintenance", "pump", "turbofan"]
    turbofan = contracts["turbofan"]
    # Three settings, 21 sensors, the cycle.
    assert len(turbofan.fields) == 25
    assert turbofan.lifetime_counter is not None
    assert turbofan.lifetime_counter.name == "cycle"
    # The columns of C-MAPSS that never change, or not within an engine: set3, s1, s5, s6, s10, s16, s18, s19, and the settings.
    assert sum(field.may_be_constant for field in turbofan.fields) >= 8
    assert not contracts["maintenance"].is_measurement


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("contract: lift", "contract: hoist", "lift.yaml, contract: 'hoist' is not the name of the file"),
        ("version: 1", "version: one", "lift.yaml, version: 'one' must be a whole number of at least 1"),
        ("description: Lifts.", "words: Lifts.", "'words' is not known here"),
        ("cadence_seconds: 60\n", "", "cadence_seconds: a measurement needs a number of seconds"),
        ("cadence_seconds: 60", "cadence_seconds: -5", "cadence_seconds: a measurement needs a number of seconds"),
        ("cadence_seconds: 60", "kind: event\ncadence_seconds: 60", "an event has no cadence"),
        ("type: float64", "type: float", "field load: type: 'float' must be one of float64, int64, bool, string"),
        ("max: 2000", "max: -1", "field load: max -1 is below min 0; swap them"),
        ("max: 2000", "max: .inf", "field load: max: inf must be a finite number"),
        ("  floor:", "  event_id:", "field event_id: the platform has a column of this name"),
        ("  floor:", "  object:", "field object: the platform has a column of this name"),
        ("  floor:", "  load_mean_5:", "table features.lift would have the column load_mean_5 twice"),
        ("  floor:", "  stuck_load:", "field stuck_load: this is what the quality gate derives of field load"),
        ("max: 2000", "max: 1e3", "YAML takes an exponent as a number only with point and sign: 1.0e+3"),
        ("max: 2000", f"max: {10**400}", "must be a finite number"),
        ("  floor:", "  Floor:", "'Floor' must be a lower-case name"),
        ("enum: [open, closed]", "enum: [on, off]", "must be a list of different texts"),
        ("enum: [open, closed]", "min: 3", "field door: min has no meaning for type string"),
        ("required: true", "required: maybe", "field load: required: 'maybe' must be true or false"),
        ("required: true", "requried: true", "field load: 'requried' is not known here"),
        ("  floor:", "  load:", "the key 'load' stands twice"),
        ("fields:", "fields: []\nquality:", "fields: there must be at least one field"),
        (
            "cadence_seconds: 60",
            "cadence_seconds: 60\nquality: {completeness: 2}",
            "quality: completeness: 2 must be a share between 0 and 1",
        ),
        ("{type: float64, unit: kg, min: 0, max: 2000, required: true}", "{type: float64", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place_and_the_reason(tmp_path: Path, old: str, new: str, words: str) -> None:
    said = refusal(tmp_path, old, new)
    assert said.startswith("contract lift.yaml")
    assert words in said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("7", "timeseries: must be a mapping such as {keep_days: 30}"),
        ("{}", "timeseries: keep_days: None must be a whole number from 1 to 73000"),
        ("{keep_days: 0}", "timeseries: keep_days: 0 must be a whole number from 1 to 73000"),
        ("{keep_days: 73001}", "timeseries: keep_days: 73001 must be"),
        ("{keep_days: true}", "timeseries: keep_days: True must be"),
        ("{keep_days: 7, days: 3}", "timeseries: 'days' is not known here; known are downsample, keep_days"),
        ("{keep_days: 7, downsample: 3600}", "timeseries: downsample: must be a mapping such as {every_seconds: 3600, keep_days: 365}"),
        (
            "{keep_days: 7, downsample: {every_seconds: 3600, keep_days: 7}}",
            "downsample: keep_days: 7 must be a whole number from 8 to 73000",
        ),
        ("{keep_days: 7, downsample: {every_seconds: 7000, keep_days: 9}}", "every_seconds: 7000 must divide a day of 86400 s"),
        ("{keep_days: 7, downsample: {keep_days: 9}}", "every_seconds: None must be a whole number from 1 to 86400"),
    ],
)
def test_a_wrong_retention_is_refused_with_file_key_and_reason(given: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError) as caught:
        contract(tmp_path, f"{LIFT}timeseries: {given}\n")
    assert str(caught.value).startswith("contract lift.yaml, timeseries")
    assert words in str(caught.value)


def test_a_retention_is_read_and_none_is_for_ever(tmp_path: Path) -> None:
    assert contract(tmp_path).timeseries is None
    assert contract(tmp_path, f"{LIFT}timeseries: {{keep_days: 7}}\n").timeseries == Retention(7)
    both = f"{LIFT}timeseries: {{keep_days: 7, downsample: {{every_seconds: 3600, keep_days: 90}}}}\n"
    assert contract(tmp_path, both).timeseries == Retention(7, Downsample(3600, 90))
    with pytest.raises(ContractError, match="an event has no statistics over time"):
        contract(tmp_path, both.replace("cadence_seconds: 60", "kind: event"))


def test_a_new_version_may_change_the_retention(tmp_path: Path) -> None:
    contract(tmp_path, f"{LIFT}timeseries: {{keep_days: 7}}\n", "lift.v1.yaml")
    contract(tmp_path, LIFT.replace("version: 1", "version: 2"))
    assert load_contracts(tmp_path)["lift"].timeseries is None


def test_a_file_that_is_no_mapping_and_one_that_is_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("- 1\n")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("a.yaml", "b.yaml"):
        with pytest.raises(ContractError, match=name):
            load_contract(tmp_path / name)


def test_two_contracts_with_one_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "lift.yaml").write_text(LIFT)
    (tmp_path / "lift_superseded.yaml").write_text(LIFT.replace("contract: lift", "contract: lift_superseded"))
    with pytest.raises(
        ContractError, match=r"lift_superseded.yaml, contract: its table silver.lift_superseded is one of contract lift already"
    ):
        load_contracts(tmp_path)


def test_a_file_of_another_ending_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "lift.yml").write_text(LIFT)
    with pytest.raises(ContractError, match=r"lift.yml: only files that end in .yaml are read; call it lift.yaml"):
        load_contracts(tmp_path)


def test_what_an_editor_leaves_beside_a_file_that_it_has_open_is_no_contract(tmp_path: Path) -> None:
    (tmp_path / "lift.yaml").write_text(LIFT)
    (tmp_path / ".#lift.yaml").symlink_to("somebody@somewhere.123")
    (tmp_path / ".lift.yaml").write_text("half of")
    assert list(load_contracts(tmp_path)) == ["lift"]


def wrong_files(folder: Path) -> None:
    """Beside `lift`: a file that does not hold, a version that does not follow, a table that is another's, another ending."""
    (folder / "lift.yaml").write_text(LIFT)
    (folder / "broken.yaml").write_text("contract: broken\nversion: one\n")
    (folder / "door.v1.yaml").write_text(LIFT.replace("contract: lift", "contract: door"))
    (folder / "door.yaml").write_text(LIFT.replace("contract: lift\nversion: 1", "contract: door\nversion: 2").replace("int64", "float64"))
    (folder / "lift_superseded.yaml").write_text(LIFT.replace("contract: lift", "contract: lift_superseded"))
    (folder / "gate.yml").write_text(LIFT.replace("contract: lift", "contract: gate"))


def test_one_wrong_file_leaves_the_other_contracts(tmp_path: Path) -> None:
    wrong_files(tmp_path)
    with pytest.warns(ContractWarning) as warned:
        contracts = sound_contracts(tmp_path)
    assert list(contracts) == ["lift"]
    assert {name: str(error).split(":")[0] for name, error in contracts.wrong.items()} == {
        "broken": "contract broken.yaml, version",
        "door": "contract door.yaml",
        "lift_superseded": "contract lift_superseded.yaml, contract",
        "gate": "contract gate.yml",
    }
    assert sorted(str(warning.message) for warning in warned) == sorted(
        f"{error}; all else goes on without it" for error in contracts.wrong.values()
    )


def test_who_asks_for_a_wrong_contract_is_told_what_is_wrong_with_it(tmp_path: Path) -> None:
    wrong_files(tmp_path)
    with pytest.warns(ContractWarning):
        contracts = sound_contracts(tmp_path)
    with pytest.raises(ContractError, match=r"broken.yaml, version: 'one' must be"):
        contracts.named("broken")
    with pytest.raises(ContractError, match="contract escalator: there is none; the folder has lift"):
        contracts.named("escalator")


def test_an_earlier_version_has_its_number_in_its_files_name(tmp_path: Path) -> None:
    (tmp_path / "lift.v2.yaml").write_text(LIFT)
    with pytest.raises(ContractError, match=r"lift.v2.yaml, version: 1 is not the version in the file's name; call the file lift.v1.yaml"):
        load_contract(tmp_path / "lift.v2.yaml")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="does not exist; set FLEETLAKE_CONTRACTS_FOLDER"):
        load_contracts(tmp_path / "none")


def version_2(folder: Path, old: str, new: str) -> Contracts:
    assert old in LIFT
    (folder / "lift.v1.yaml").write_text(LIFT)
    (folder / "lift.yaml").write_text(LIFT.replace("version: 1", "version: 2").replace(old, new))
    return load_contracts(folder)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max: 2000", "max: 3000"),
        ("max: 2000, required: true", "max: 2000, required: false"),
        ("[open, closed]", "[open, closed, stuck]"),
        ('  floor: {type: int64, unit: "1"}', '  floor: {type: int64, unit: "1"}\n  speed: {type: float64}'),
    ],
)
def test_a_new_version_may_widen_and_add_optional_fields(tmp_path: Path, old: str, new: str) -> None:
    contracts = version_2(tmp_path, old, new)
    assert contracts["lift"].version == 2
    assert [version.version for version in contracts.versions("lift")] == [1, 2]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("max: 2000", "max: 1000", "field load narrowed max to 1000"),
        ("min: 0", "min: 10", "field load narrowed min to 10"),
        ("unit: kg", "unit: lb", "field load changed its unit from 'kg' to 'lb'"),
        ("type: int64", "type: float64", "field floor changed from int64 to float64"),
        ("[open, closed]", "[open]", "field door lost values of its enum"),
        ('  floor: {type: int64, unit: "1"}\n', "", "field floor was removed"),
        ('unit: "1"}', 'unit: "1"}\n  speed: {type: float64, required: true}', "field speed is new and required"),
        ('{type: int64, unit: "1"}', '{type: int64, unit: "1", required: true}', "field floor became required"),
    ],
)
def test_anything_else_is_a_new_contract(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(ContractError) as caught:
        version_2(tmp_path, old, new)
    assert words in str(caught.value)
    assert "make it a new contract" in str(caught.value)


def test_a_change_without_a_new_version_number_is_refused(tmp_path: Path) -> None:
    changed = contract(tmp_path, LIFT.replace("max: 2000", "max: 3000"))
    with pytest.raises(ContractError, match="fields changed without a new version number"):
        Contracts([contract(tmp_path), changed])


@pytest.mark.parametrize(
    ("retention", "said"),
    [
        ("{bronze_days: 0}", "retention: bronze_days: 0 must be a whole number from 1 to 73000"),
        ("{silver_days: 7}", "retention: silver_days: 7 must be more than late_days, which is 7"),
        ("{days: 7}", "retention: 'days' is not known here"),
        ("90", r"retention: must be a mapping such as \{bronze_days: 90\}"),
    ],
)
def test_a_retention_that_cannot_be_is_refused(tmp_path: Path, retention: str, said: str) -> None:
    file = tmp_path / "lift.yaml"
    file.write_text(
        "contract: lift\nversion: 1\ndescription: Lifts.\ncadence_seconds: 60\n"
        f"retention: {retention}\nfields:\n  load: {{type: float64, unit: kg}}\n"
    )
    with pytest.raises(ContractError, match=said):
        load_contract(file)


def test_a_retention_says_of_each_kind_how_long_and_of_the_others_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "lift.yaml"
    file.write_text(
        "contract: lift\nversion: 1\ndescription: Lifts.\ncadence_seconds: 60\n"
        "retention: {bronze_days: 90, history_days: 30}\nfields:\n  load: {type: float64, unit: kg}\n"
    )
    kept = load_contract(file).retention
    assert (kept.bronze_days, kept.history_days) == (90, 30)
    assert {kept.silver_days, kept.gold_days, kept.features_days, kept.quarantine_days} == {None}
