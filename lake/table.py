"""What a declared table is, and what tables share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    description: str = ""
    unit: str = ""
    required: bool = False


@dataclass(frozen=True)
class Table:
    """`partition` is Iceberg's transform (``day(event_time)``), or for Parquet the words of the object path; empty: none.

    `words` names the columns of text for people: an erasure strikes a device's name from these alone.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    partition: str
    description: str
    sort: tuple[str, ...] = ()
    format: str = "iceberg"
    properties: tuple[tuple[str, str], ...] = ()
    words: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def namespace(self) -> str:
        return self.name.split(".")[0]


# Readers run DuckDB over the data files alone, so no table may hold delete files.
COPY_ON_WRITE = (
    ("write.merge.mode", "copy-on-write"),
    ("write.update.mode", "copy-on-write"),
    ("write.delete.mode", "copy-on-write"),
    ("write.parquet.compression-codec", "zstd"),
)
RUN_ID = Column("run_id", "string", "the run that published the row", required=True)
CONTRACT = Column("contract", "string", "name of the contract", required=True)
