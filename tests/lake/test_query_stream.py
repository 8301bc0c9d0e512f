"""Answers batch by batch, and cut at a limit."""

from pathlib import Path

import pytest

from lake.query import sql, stream
from runtime.errors import QueryError, UsageError
from runtime.settings import Settings
from tests.lake.small_lake import SmallLake, moment


@pytest.fixture
def lake(tmp_path: Path) -> SmallLake:
    made = SmallLake(tmp_path / "home")
    made.publish([made.reading(seq=n) for n in range(5)], "r.1", 10)
    made.publish([made.reading(seq=n) for n in range(5, 9)], "r.2", 20)
    return made


SEQS = "select seq from silver.boiler order by seq"


def test_batches_hold_the_same_rows_and_no_more_than_asked(lake: SmallLake) -> None:
    with stream(SEQS, platform=lake.platform, batch_rows=4) as answer:
        batches = list(answer)
    assert [batch.column("seq").to_pylist() for batch in batches] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]
    assert not answer.has_more


def test_a_stream_is_as_of_a_time_too(lake: SmallLake) -> None:
    with stream(SEQS, platform=lake.platform, as_of=moment(15)) as answer:
        assert answer.as_of == moment(15)
        assert answer.reader().read_all().column("seq").to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("limit", "rows", "has_more"), [(0, 0, True), (4, 4, True), (8, 8, True), (9, 9, False), (20, 9, False)])
def test_a_limit_cuts_and_says_whether_rows_were_left_out(lake: SmallLake, limit: int, rows: int, has_more: bool) -> None:
    answer = sql(SEQS, platform=lake.platform, limit=limit)
    assert (answer.rows, answer.has_more) == ([(n,) for n in range(rows)], has_more)


def test_a_limit_ends_the_work(lake: SmallLake) -> None:
    assert sql("select range from range(1000000000000)", platform=lake.platform, limit=3).has_more


def test_of_no_rows_there_is_a_schema(lake: SmallLake) -> None:
    with stream("select seq, water as seq from silver.boiler where false", platform=lake.platform) as answer:
        assert answer.schema.names == ["seq", "seq_1"]
        assert list(answer) == []
    assert sql("select seq from silver.boiler where false", platform=lake.platform, limit=1).columns == ["seq"]


def test_what_goes_wrong_on_the_way_is_a_query_error(lake: SmallLake) -> None:
    text = "select case when range > 300000 then error('no more') else range end as n from range(400000)"
    with pytest.raises(QueryError, match="no more"), stream(text, platform=lake.platform, batch_rows=1_000) as answer:
        list(answer)


def test_a_limit_below_nothing_is_refused(lake: SmallLake) -> None:
    with pytest.raises(UsageError, match="limit -1"):
        sql(SEQS, platform=lake.platform, limit=-1)
    with pytest.raises(UsageError, match="batch_rows 0"), stream(SEQS, platform=lake.platform, batch_rows=0):
        pass


def test_the_files_of_a_stream_are_read_while_it_is_taken_and_nothing_else(lake: SmallLake) -> None:
    with pytest.raises(QueryError, match="nothing else"), stream(f"from read_csv('{Settings().home}/x.csv')", platform=lake.platform):
        pass
