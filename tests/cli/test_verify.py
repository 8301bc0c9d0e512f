"""`fleetlake verify` as a person or a script sees it."""

import io
import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console

from cli.main import run
from cli.verify import law_table
from lake import law_judge
from lake.law import Breach, Place, Tally, Verdict, verify
from lake.law_queues import Queues
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    monkeypatch.setenv("FLEETLAKE_HOME", str(made.platform.settings.home))
    monkeypatch.setenv("FLEETLAKE_CONTRACTS_FOLDER", str(made.platform.settings.contracts_folder))
    return made


@pytest.fixture
def truth(lake: SmallLake) -> HandTruth:
    return HandTruth(lake.platform.settings.home / "truth" / "t1.jsonl")


def test_when_the_law_holds_the_exit_code_is_0(lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]) -> None:
    truth.sent(lake.reading(seq=0))
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    assert run(["verify", "--wait", "0"]) == 0
    shown = capsys.readouterr().out
    assert "the law holds" in shown
    assert "one that was sent again counts once here; `simulate` counts each sending" in shown


def test_a_wrong_contract_file_is_a_line_and_the_other_contracts_are_judged(
    lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]
) -> None:
    truth.sent(lake.reading(seq=0))
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    (lake.file.parent / "broken.yaml").write_text("contract: broken\nversion: one\n")
    assert run(["verify", "--wait", "0"]) == 0
    said = capsys.readouterr()
    assert "the law holds" in said.out
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("fleetlake: warning: contract broken.yaml, version: 'one'")


def test_when_it_does_not_hold_the_exit_code_is_1_and_the_reading_is_named(
    lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]
) -> None:
    truth.sent(lake.reading(seq=7))
    lake.publish([lake.reading(seq=7)], "r.1", 5)
    lake.publish([lake.reading(seq=7)], "r.2", 6)
    assert run(["verify", "--wait", "0", "--truth", str(truth.file)]) == 1
    said = capsys.readouterr()
    assert "seq 7" in said.out
    assert "visible twice" in said.err


def test_when_nothing_says_what_was_sent_the_exit_code_is_3(lake: SmallLake, capsys: pytest.CaptureFixture[str]) -> None:
    lake.publish([lake.reading(seq=7)], "r.1", 5)
    assert run(["verify", "--wait", "0"]) == 3
    assert "no truth file" in capsys.readouterr().err


def test_a_truth_in_which_nothing_was_sent_is_exit_code_3_and_no_empty_table(truth: HandTruth, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--wait", "0", "--truth", str(truth.file)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == f"fleetlake: verify: no reading is in truth {truth.file}, so nothing says what was sent; simulate first\n"


def test_missing_readings_with_queues_that_cannot_be_asked_are_exit_code_3(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    assert run(["verify", "--wait", "0"]) == 3


def test_at_rest_nothing_may_be_in_flight(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    lake.put_bronze([lake.reading(seq=0)])
    assert run(["verify", "--wait", "0"]) == 0
    assert run(["verify", "--wait", "0", "--at-rest"]) == 3


def test_no_figure_of_the_table_is_cut_at_eighty_columns() -> None:
    places = {Place.VISIBLE: 20_023, Place.HELD: 1_234, Place.QUARANTINED: 12_345, Place.WAITING: 14_321, Place.LOST: 3_456}
    wrong = Tally("turbofan", "turbofan-000017", 51_379, places, {Breach.LOST: 3_456, Breach.TWICE: 11_111}, 0, 0)
    lines = law_lines(wrong)
    for figure in ("51,379", "20,023", "1,234", "12,345", "14,321", "3,456", "11,111"):
        assert sum(figure in line for line in lines) == 2, figure
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


def test_a_figure_is_whole_even_where_the_table_is_wider_than_the_terminal() -> None:
    places = dict.fromkeys(Place, 12_345_678)
    lines = law_lines(Tally("turbofan", "turbofan-000017", 86_419_746, places, dict.fromkeys(Breach, 12_345_678), 12_345_678, 12_345_678))
    # Nine places, two breaches that are no place, and both kinds of unacknowledged readings, for the contract and for its device.
    assert "".join(lines).count("12,345,678") == 2 * (9 + 2 + 2)
    assert "…" not in "".join(lines)


def test_what_was_not_acknowledged_stands_under_its_own_heading() -> None:
    lines = law_lines(Tally("boiler", "b-1", 0, {}, {}, 17, 29))
    arrived, not_arrived = lines[6].split("│")[-3:-1]
    assert (arrived.strip(), not_arrived.strip()) == ("17", "29")
    headings = [" ".join(line.split("┃")[column].strip() for line in lines[1:5]).strip() for column in (-3, -2)]
    assert headings == ["unacknow- ledged: arrived", "unacknow- ledged: not arrived"]


def test_a_lone_column_of_what_was_not_acknowledged_does_not_read_as_a_loss() -> None:
    lines = law_lines(Tally("boiler", "b-1", 5, {Place.VISIBLE: 5}, {}, 0, 29))
    assert " ".join(line.split("┃")[-2].strip() for line in lines[1:5]) == "unacknow- ledged: not arrived"
    below = " ".join(lines[-4:])
    for words in ("so it may have arrived or not, and is never lost", "table of hops", "those that a fault made up"):
        assert words in below
    assert max(map(len, lines)) <= 80


def test_a_device_that_makes_up_a_long_contract_takes_no_figure_away() -> None:
    wrong = {Breach.LOST: 3_456, Breach.PHANTOM: 4_567}
    lines = law_lines(
        Tally("e" * 180, "evil-1", 1_234, {Place.VISIBLE: 789, Place.LOST: 3_456}, wrong, 0, 0),
        Tally("environment", "environment-000017", 20_023, {Place.VISIBLE: 20_023}, {}, 0, 0),
    )
    for figure in ("1,234", "789", "3,456", "4,567"):
        assert sum(figure in line for line in lines) == 2, figure
    assert "evil-1" in "".join(lines)
    assert max(map(len, lines)) <= 80


def test_eighty_columns_hold_a_usual_law_with_held_and_unacknowledged_readings() -> None:
    places = {Place.VISIBLE: 812_345, Place.HELD: 51_234, Place.QUARANTINED: 12_345}
    lines = law_lines(
        *(Tally(name, f"{name}-000017", 875_924, places, {Breach.LOST: 3}, 0, 123_456) for name in ("maintenance", "turbofan"))
    )
    assert max(map(len, lines)) <= 80
    contract, device = ("".join(row[column] for row in cells_of(lines)) for column in (0, 1))
    assert (contract, device) == ("maintenanceturbofan", "all 1maintenance-000017all 1turbofan-000017")
    for figure in ("812,345", "51,234", "12,345", "875,924", "123,456"):
        # Two contracts and a device of each.
        assert sum(figure in line for line in lines) == 4, figure


@pytest.mark.parametrize("width", [1, 20, 40, 60, 79])
def test_no_figure_and_no_name_goes_away_in_a_narrow_terminal(width: int) -> None:
    lines = law_lines(Tally("turbofan", "b-1", 51_379, {Place.VISIBLE: 51_376}, {Breach.LOST: 3, Breach.PHANTOM: 7}, 0, 29), width=width)
    cells = cells_of(lines)
    figures = ["51,379", "51,376", "0", "0", "0", "7", "29"]
    assert [row[2:] for row in cells if row[2]] == [figures, figures]
    assert "".join(row[0] for row in cells) == "turbofan"
    assert "b-1" in [row[1] for row in cells]


def cells_of(lines: list[str]) -> list[list[str]]:
    """Those of each line below the headings; a folded name takes several lines."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in lines if "│" in line]


def law_lines(*tallies: Tally, width: int = 80) -> list[str]:
    """The table in a terminal of eighty columns, or of `width`."""
    shown = io.StringIO()
    verdict = Verdict((), tallies, (), (), 0, Queues(None))
    Console(file=shown, width=width, soft_wrap=True).print(law_table(verdict, width))
    return shown.getvalue().splitlines()


@pytest.mark.long
def test_an_interrupt_ends_the_judging_within_seconds(lake: SmallLake, truth: HandTruth, monkeypatch: pytest.MonkeyPatch) -> None:
    truth.sent(lake.reading(seq=0))
    endless = "SELECT count(*) FROM range(200000) a, range(200000) b, range(3000) c WHERE a.range + b.range * c.range = 7"
    monkeypatch.setattr(law_judge, "_VIOLATIONS", endless)
    begun = time.monotonic()

    def queues() -> Queues:
        # From here on the law asks the lake alone.
        threading.Timer(2.0, os.kill, (os.getpid(), signal.SIGINT)).start()
        return Queues(None)

    with pytest.raises(KeyboardInterrupt):
        verify(lake.platform, [truth.file], queues=queues)
    assert 2 <= time.monotonic() - begun < 7


def test_a_script_reads_the_verdict_as_json(lake: SmallLake, truth: HandTruth, capsys: pytest.CaptureFixture[str]) -> None:
    truth.sent(lake.reading(seq=0))
    truth.sent_bytes(b"{", fate="quarantine:not_utf8")
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    lake.put_quarantined(b"{", reason="not_json")
    assert run(["verify", "--wait", "0", "--strict", "--json"]) == 1
    facts = json.loads(capsys.readouterr().out)
    assert (facts["holds"], facts["sent"], facts["surprised"]) == (True, 2, 1)
    assert facts["tallies"][0]["places"] == {"visible": 1, "quarantined": 1}
