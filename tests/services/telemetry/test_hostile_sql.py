"""What a lake query must not do ends with the right status, changes nothing and tells nothing."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from lake.contracts import load_contracts
from lake.query_tables import QueryTables
from services.problems import ApiError
from services.telemetry.statement import permitted
from services.telemetry.worker import Limits
from tests.services.telemetry.hostile_sql import ENDLESS, LARGE, REFUSED, Hostile
from tests.services.telemetry.world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("lake"))
    for device in ("b-1", "b-2", "b-3"):
        made.publish(range(3), device, f"r.{device}")
    before = files(made)
    yield made
    # Whatever was tried: no file is new, gone or another.
    assert files(made) == before


def files(world: World) -> dict[str, str]:
    home = world.lake.platform.settings.home
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() for file in home.rglob("*") if file.is_file()}


def parquet(world: World) -> Path:
    return next((world.lake.platform.settings.home / "lake").rglob("silver/boiler/data/**/*.parquet"))


@pytest.fixture(scope="module")
def connection() -> Any:
    return duckdb.connect(":memory:", config={"enable_external_access": False})


@pytest.fixture(scope="module")
def tables(world: World) -> list[str]:
    return QueryTables(world.lake.platform, load_contracts(world.lake.platform.settings.contracts_folder)).names


@pytest.fixture
def hurried(world: World) -> Iterator[World]:
    lake = world.services.telemetry.lake
    usual = lake.limits
    lake.limits = Limits(seconds=1.0)
    yield world
    lake.limits = usual


@pytest.fixture
def cramped(world: World) -> Iterator[World]:
    lake = world.services.telemetry.lake
    usual = lake.limits
    lake.limits = Limits(memory_mib=96)
    yield world
    lake.limits = usual


def written(world: World, hostile: Hostile) -> str:
    file = parquet(world)
    return hostile.sql.replace("{file}", str(file)).replace("{folder}", str(file.parent)).replace("{{}}", "{}")


@pytest.mark.parametrize("hostile", REFUSED, ids=lambda hostile: hostile.name)
def test_what_may_not_be_asked_is_refused_before_anything_is_read(
    world: World, connection: Any, tables: list[str], hostile: Hostile
) -> None:
    with pytest.raises(ApiError) as refused:
        permitted(connection, written(world, hostile), tables, is_admin=False)
    assert refused.value.status == hostile.status
    assert hostile.words.lower() in refused.value.detail.lower()


@pytest.mark.parametrize("hostile", REFUSED[::7], ids=lambda hostile: hostile.name)
def test_what_may_not_be_asked_is_a_problem_over_http_for_admins_too(world: World, hostile: Hostile) -> None:
    for user in ("otto", "ada") if hostile.status != 403 else ("otto",):
        answer = world.ask(written(world, hostile), user)
        assert (answer.status_code, answer.headers["content-type"]) == (hostile.status, "application/problem+json"), answer.text
        assert "root:" not in answer.text


def test_half_a_character_is_no_text(world: World) -> None:
    headers = {"Authorization": "Bearer otto", "Content-Type": "application/json"}
    answer = world.client.post("/api/v1/lake/query", content=b'{"sql": "SELECT \'\\ud800\'"}', headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "SerializationException")


@pytest.mark.parametrize("hostile", ENDLESS, ids=lambda hostile: hostile.name)
def test_what_does_not_end_is_ended(hurried: World, hostile: Hostile) -> None:
    answer = hurried.ask(hostile.sql, "otto")
    assert (answer.status_code, answer.json()["code"]) == (408, "QueryTimeoutException"), answer.text
    assert "more than 1 s" in answer.json()["detail"]


@pytest.mark.parametrize("hostile", LARGE, ids=lambda hostile: hostile.name)
def test_what_is_too_large_is_ended(cramped: World, hostile: Hostile) -> None:
    answer = cramped.ask(hostile.sql, "otto")
    assert answer.status_code == hostile.status, answer.text
    assert hostile.words in answer.json()["detail"]


def test_after_all_of_it_the_next_question_is_answered(world: World) -> None:
    assert world.ask("SELECT count(*) FROM silver.boiler", "otto").json()["rows"] == [[6]]
