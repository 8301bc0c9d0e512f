"""`make proof-repeat`, `make proof-contract` and `make proof-cmapss`, small, one after the other in one cloud: an Airflow costs as much
to start as a pipeline to run."""

from collections.abc import Iterator

import pytest

from tests.cloud import Cloud, running_cloud
from tests.proofs import Size, cmapss, contract, repeat
from tests.proofs._journey import add_contracts

pytestmark = [pytest.mark.cloud, pytest.mark.spark, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """With one contract, which no file of the repository has."""
    folder = tmp_path_factory.mktemp("journeys")
    contract.first_version(folder / "contracts")
    parts = ("emulator", "worker", "airflow")
    with running_cloud(folder / "home", parts, schedules=False, contracts_folder=folder / "contracts") as running:
        yield running


def test_a_new_contract_needs_one_file_and_running_twice_or_late_gives_what_one_run_gives(cloud: Cloud) -> None:
    assert repeat.prove(Size.SMALL, cloud)["tables"] > 0


def test_real_engines_are_replayed_learnt_from_and_judged(cloud: Cloud) -> None:
    add_contracts(cloud, cmapss.CONTRACTS)
    assert cmapss.prove(Size.SMALL, cloud)["engines"] == 12
