"""The generated page about the tables."""

from lake.contracts import Contract, Contracts, Field, load_contracts
from lake.tables_page import tables_page
from runtime.settings import REPOSITORY


def page_of(*fields: Field) -> str:
    return tables_page(Contracts([Contract("pump", 1, "measurement", "A pump.", fields, 300)]))


def test_the_page_in_docs_is_that_of_the_contracts() -> None:
    # `make docs` writes it again.
    assert (REPOSITORY / "docs" / "tables.md").read_text(encoding="utf-8") == tables_page(load_contracts(REPOSITORY / "contracts"))


def test_statistics_are_told_once_for_all_fields_that_have_them() -> None:
    page = page_of(Field("bar", "float64"), Field("flow", "float64"), Field("mode", "string"))
    hourly = page.split("### gold.pump_hourly")[1].split("###")[0]
    assert "`count`, `min`, `max`, `mean`, `last`, of each of `bar`, `flow`." in hourly
    assert "`last`, of each of `mode`." in hourly
    assert "| `readings` |" in hourly
    assert "bar_mean" not in page


def test_a_field_that_is_named_like_a_statistic_of_another_is_a_field() -> None:
    hourly = page_of(Field("flow", "float64"), Field("flow_mean", "float64")).split("### gold.pump_hourly")[1].split("###")[0]
    assert "`mean`, `last`, of each of `flow`, `flow_mean`." in hourly


def test_a_bar_in_words_does_not_break_the_table() -> None:
    assert r"inlet \| outlet" in page_of(Field("bar", "float64", description="inlet | outlet"))
