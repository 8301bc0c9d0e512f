"""How far readings have come, asked again and again."""

from pathlib import Path

from lake.hops import HOPS, HopCounter, truth_files
from runtime.timeseries import Point
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake, moment


def counts(counter: HopCounter) -> dict[str, int | None]:
    return {hop.name: hop.readings for hop in counter.read()}


def test_an_empty_lake_has_nothing_anywhere_and_nobody_knows_what_was_sent(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    found = counts(HopCounter(lake.platform))
    assert found == {"sent": None, "queued": None, "bronze": 0, "quarantined": 0, "silver": 0, "time series": 0}
    assert tuple(found) == HOPS


def test_each_hop_counts_what_has_come_there_since(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    truth = HandTruth(tmp_path / "truth" / "t1.jsonl")
    rows = [lake.reading(seq=seq) for seq in range(3)]
    counter = HopCounter(lake.platform, truth_files(tmp_path))
    truth.sent(*rows[:2])
    pending = truth.sent(rows[2], acknowledged=False)
    assert counts(counter)["sent"] == 2
    truth.answered(pending)
    lake.put_bronze(rows)
    lake.put_quarantined(b"{")
    lake.put_quarantined(b"{", contract="other", folder="_unknown")
    lake.publish(rows[:2], "r.1", 5)
    lake.publish(rows[2:], "r.2", 6)
    lake.platform.time_series().write([Point("boiler", "b-1", moment(0), {"water": 50.0})])
    hops = {hop.name: hop for hop in counter.read()}
    assert [hops[name].readings for name in HOPS] == [3, None, 3, 2, 3, 1]
    assert hops["quarantined"].by_contract == {"boiler": 1, "_unknown": 1}
    assert hops["silver"].by_contract == {"boiler": 3}
    assert hops["bronze"].newest is not None


def test_a_refused_message_was_not_sent(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    truth = HandTruth(tmp_path / "truth" / "t1.jsonl")
    truth.answered(truth.sent(lake.reading(seq=0), acknowledged=False, fate="refused"), "refused")
    assert counts(HopCounter(lake.platform, [truth.file]))["sent"] == 0


def test_what_was_replayed_is_no_longer_quarantined(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    counter = HopCounter(lake.platform)
    gone, stays = lake.put_quarantined(b"1"), lake.put_quarantined(b"2")
    unknown = lake.put_quarantined(b"3", contract="other", folder="_unknown")
    assert counts(counter)["quarantined"] == 3
    lake.put_replayed(gone, b"1", event_id="e" * 32)
    # Two readings of one row, and another row of the same folder.
    lake.put_replayed(unknown, b"3", event_id="f" * 32, folder="_unknown")
    lake.put_replayed(unknown, b"3", refused_id=stays, folder="_unknown")
    (hop,) = (hop for hop in counter.read() if hop.name == "quarantined")
    assert (hop.readings, hop.by_contract) == (1, {"boiler": 1})


def test_a_damaged_line_of_truth_is_named_and_the_others_count(tmp_path: Path) -> None:
    lake = SmallLake(tmp_path)
    truth = HandTruth(tmp_path / "truth" / "t1.jsonl")
    truth.sent(lake.reading(seq=0))
    with truth.file.open("ab") as stream:
        stream.write(b'\xff\xfe\n[1]\n{"kind": "reading"}\n')
    damaged_from = len(truth.file.read_bytes().splitlines()) - 2
    truth.sent(lake.reading(seq=1))
    counter = HopCounter(lake.platform, [truth.file])
    assert [counts(counter)["sent"], counts(counter)["sent"]] == [2, 2]
    words = "it is not what the simulator writes, so it counts for nothing"
    assert counter.damaged == [f"truth {truth.file}, line {damaged_from + number}: {words}" for number in range(3)]
