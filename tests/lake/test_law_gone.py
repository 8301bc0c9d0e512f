"""The law where a contract's file went away or is wrong: nobody can tell, which is not lost."""

import pytest

from lake.law import Breach, Place
from lake.law_queues import UNREACHABLE, Queues
from runtime.errors import ContractWarning, LawUnknown
from tests.lake.hand_truth import HandTruth
from tests.lake.small_lake import SmallLake
from tests.lake.test_law import EMPTY, breaches, judged, places


@pytest.mark.parametrize("queues", [EMPTY, UNREACHABLE])
def test_readings_of_a_contract_that_went_away_are_unknown_and_not_lost(lake: SmallLake, truth: HandTruth, queues: Queues) -> None:
    rows = [lake.reading(seq=seq) for seq in range(3)]
    truth.sent(*rows)
    lake.publish(rows, "r.1", 5)
    lake.file.rename(lake.file.with_suffix(".aside"))
    verdict = judged(lake, truth, queues)
    assert (places(verdict), breaches(verdict)) == ({Place.UNKNOWN: 3}, {})
    with pytest.raises(LawUnknown, match=r"3 readings are unknown: contract boiler is no longer in .*/contracts;") as unknown:
        verdict.check()
    assert unknown.value.exit_code == 3
    lake.file.with_suffix(".aside").rename(lake.file)
    judged(lake, truth).check()


def test_readings_of_a_contract_whose_file_is_wrong_are_unknown_with_what_is_wrong(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent(lake.reading(seq=0))
    lake.file.write_text(lake.file.read_text().replace("version: 1", "version: one"))
    with pytest.warns(ContractWarning):
        verdict = judged(lake, truth)
    with pytest.raises(LawUnknown, match=r"1 readings are unknown: contract boiler.yaml, version: 'one' must be"):
        verdict.check()


def test_what_names_no_contract_at_all_is_lost_where_it_is_nowhere(lake: SmallLake, truth: HandTruth) -> None:
    truth.sent_bytes(b"{}", index=0, contract="Nonsense", fate="quarantine:unknown_contract")
    assert breaches(judged(lake, truth)) == {Breach.LOST: 1}
