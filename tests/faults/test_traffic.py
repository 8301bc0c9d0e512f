"""The traffic of the proofs: several kinds of poison, and what comes twice also far from its first."""

import json
from collections import Counter
from pathlib import Path

from tests.faults.traffic import Traffic


def test_what_comes_twice_comes_at_once_or_hundreds_of_messages_later() -> None:
    bodies = list(Traffic(2000, 2, resent=20).bodies())
    places: dict[str, list[int]] = {}
    for place, text in enumerate(bodies):
        places.setdefault(text, []).append(place)
    gaps = [second - first for first, second in (found for found in places.values() if len(found) == 2)]
    assert (len(places), len(gaps), len(bodies)) == (2000, 40, 2040)
    # Near the end there are no hundreds of messages left to come behind.
    assert sum(gap > 250 for gap in gaps) > 15
    assert sum(gap <= 2 for gap in gaps) == 20


def test_poison_is_of_several_kinds(tmp_path: Path) -> None:
    Traffic(100, 40, poison=10).write_truth(tmp_path / "truth.jsonl")
    fates = Counter(json.loads(line)["fate"] for line in (tmp_path / "truth.jsonl").read_text().splitlines())
    assert fates.pop("bronze") == 3960
    assert set(fates) == {"out_of_range", "wrong_type", "missing", "bad_time"}
    assert sum(fates.values()) == 40
