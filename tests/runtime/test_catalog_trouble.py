"""A catalog that another process holds, or that is damaged, by the words of SQLite itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError, OperationalError

from runtime.catalog_trouble import catalog_error
from runtime.errors import RetryLater, SetupError


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    file = tmp_path / "catalog.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE tables (name TEXT)")
        made.commit()
    return file


def ask(catalog: Path) -> None:
    engine = create_engine(f"sqlite:///{catalog}", connect_args={"timeout": 0.01})
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT * FROM tables"))
    finally:
        engine.dispose()


def test_a_locked_catalog_is_said_to_be_held_by_another(catalog: Path) -> None:
    with closing(sqlite3.connect(catalog, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OperationalError) as caught:
            ask(catalog)
    # And as Spark tells it.
    for error in (caught.value, Exception("org.sqlite.SQLiteException: [SQLITE_BUSY] The database file is locked")):
        trouble = catalog_error(error)
        assert isinstance(trouble, RetryLater)
        assert str(trouble).startswith("the lake's catalog is locked: another process has held it")


def test_a_damaged_catalog_is_said_to_be_so_and_no_other_try_mends_it(catalog: Path) -> None:
    catalog.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseError) as caught:
        ask(catalog)
    trouble = catalog_error(caught.value)
    assert isinstance(trouble, SetupError)
    assert str(trouble).startswith("the lake's catalog is damaged")


def test_of_anything_else_nothing_is_said() -> None:
    assert catalog_error(ValueError("no such column")) is None
