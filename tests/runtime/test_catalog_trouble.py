"""A catalog that another process holds, or that is damaged, by the words of SQLite itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DatabaseError, OperationalError

from runtime.catalog_trouble import told_catalog


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
    assert str(told_catalog(caught.value)).startswith("the lake's catalog is locked: another process has held it")
    # As Spark tells it.
    assert told_catalog(Exception("org.sqlite.SQLiteException: [SQLITE_BUSY] The database file is locked")) == told_catalog(caught.value)


def test_a_damaged_catalog_is_said_to_be_so(catalog: Path) -> None:
    catalog.write_bytes(b"no database at all" * 100)
    with pytest.raises(DatabaseError) as caught:
        ask(catalog)
    assert str(told_catalog(caught.value)).startswith("the lake's catalog is damaged")


def test_of_anything_else_nothing_is_said() -> None:
    assert told_catalog(ValueError("no such column")) is None
