"""How truth files are read: whose reading a line is about, which lines count, which files are refused."""

import json
from pathlib import Path

import pytest

from lake.identity import canonical_json, event_id_of_content
from lake.law import verify
from lake.law_queues import Queues
from runtime.errors import LawUnknown, UserError
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake
from tests.lake.test_law import EMPTY, judged


def test_numbers_count_by_their_value_and_unknown_fields_count_too(lake: SmallLake, truth: HandTruth) -> None:
    sent = lake.reading(seq=0, water=-0.0, starts=31.0) | {"extra": {"b": [1, 2]}}
    truth.sent(sent)
    truth.sent(lake.reading(seq=1) | {"extra": "é ü"})
    lake.publish(
        [lake.reading(seq=0, water=0.0, starts=31, _extra='{"extra":{"b":[1,2]}}'), lake.reading(seq=1, _extra='{"extra":"é ü"}')], "r.1", 5
    )
    judged(lake, truth).check()


def test_a_field_that_the_contract_learnt_later_is_found_among_what_was_unknown(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0, starts=3))
    lake.publish([lake.reading(seq=0, _extra='{"starts":3}')], "r.1", 5)
    judged(lake, truth).check()


def test_a_reading_without_boot_and_seq_is_known_by_its_content(lake: SmallLake, truth: HandTruth) -> None:
    reading = {"ts": 1772366400000, "water": 41.5}
    identity = event_id_of_content("b-1", "boiler", canonical_json(reading))
    truth.sent_bytes(json.dumps(reading).encode(), fate="silver", ts_ms=reading["ts"], values={"water": 41.5})
    row = lake.reading(seq=0, water=41.5) | {"event_id": identity, "boot": None, "seq": None}
    lake.publish([row], "r.1", 5)
    judged(lake, truth).check()


def test_a_clock_that_is_far_off_is_told_all_the_same(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent_bytes(b"{}", fate="quarantine:bad_time", ts_ms=9_000_000_000_000_000_000)
    verdict = judged(lake, truth)
    assert "measured 9000000000000000000" in verdict.violations[0].reading


def test_without_a_truth_file_the_law_is_unknown(lake: SmallLake) -> None:
    with pytest.raises(LawUnknown) as unknown:
        verify(lake.platform, [], queues=lambda: EMPTY)
    assert unknown.value.exit_code == 3


def test_a_last_line_that_is_cut_short_is_skipped(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    with truth.file.open("a") as stream:
        stream.write('{"kind":"reading","mess')
    lake.publish([lake.reading(seq=0)], "r.1", 5)
    assert judged(lake, truth).sent == 1


def test_a_file_that_is_no_truth_file_is_refused(lake: SmallLake, tmp_path: Path) -> None:
    for text in ("hello\nworld\n", '{"some": "json"}\n{"more": 1}\n', '{"kind":"run","format":2}\n'):
        (tmp_path / "other.jsonl").write_text(text)
        with pytest.raises(UserError, match=r"other\.jsonl"):
            verify(lake.platform, [tmp_path / "other.jsonl"], queues=lambda: EMPTY)
    with pytest.raises(UserError, match="cannot be read"):
        verify(lake.platform, [tmp_path / "absent.jsonl"], queues=lambda: EMPTY)


def test_several_truth_files_count_together(lake: SmallLake, truth: HandTruth, tmp_path: Path) -> None:
    other = HandTruth(tmp_path / "truth" / "t2.jsonl", run="t2")
    truth.sent(lake.reading(seq=0))
    other.sent(lake.reading("b-2", seq=0))
    lake.publish([lake.reading(seq=0), lake.reading("b-2", seq=0)], "r.1", 5)
    verdict = verify(lake.platform, [truth.file, other.file], queues=lambda: EMPTY)
    verdict.check()
    assert [(tally.device_id, tally.sent) for tally in verdict.tallies] == [("b-1", 1), ("b-2", 1)]


def test_readings_sent_while_it_looks_are_no_phantoms(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=1))
    lake.publish([lake.reading(seq=1)], "r.0", 4)

    def meanwhile() -> Queues:
        truth.sent(lake.reading(seq=0))
        lake.publish([lake.reading(seq=0)], "r.1", 5)
        return EMPTY

    assert verify(lake.platform, [truth.file], queues=meanwhile).holds


@pytest.mark.parametrize("content", [b"", b'{"kind": "run", "for'])
def test_a_file_without_a_whole_line_says_nothing_by_itself_and_takes_nothing_from_another(
    lake: SmallLake, truth: HandTruth, content: bytes
) -> None:
    cut = truth.file.with_name("cut.jsonl")
    cut.write_bytes(content)
    with pytest.raises(LawUnknown, match=r"truth .*cut\.jsonl: no whole line is there"):
        verify(lake.platform, [cut], queues=lambda: Queues(0))
    row = lake.reading(seq=0)
    truth.sent(row)
    lake.publish([row], "r.1", 5)
    verify(lake.platform, [truth.file, cut], queues=lambda: Queues(0)).check()


def test_a_truth_in_which_nothing_was_sent_says_nothing(lake: SmallLake, truth: HandTruth) -> None:
    verdict = judged(lake, truth)
    assert (verdict.holds, verdict.is_unknown) == (False, True)
    with pytest.raises(LawUnknown, match=r"no reading is in truth .*t1\.jsonl, so nothing says what was sent; simulate first"):
        verdict.check()


def test_a_truth_whose_readings_were_all_refused_says_what_was_sent(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0), acknowledged=False)
    judged(lake, truth).check()


def test_a_folder_is_no_truth_file(lake: SmallLake, truth: HandTruth) -> None:
    with pytest.raises(UserError, match="it is a folder"):
        verify(lake.platform, [truth.file.parent], queues=lambda: Queues(0))
