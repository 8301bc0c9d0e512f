"""Reads recorded data: Parquet, CSV, or the text files of C-MAPSS (26 numbers a line, no header), as columns by name."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runtime.errors import UserError

CMAPSS_COLUMNS = ("unit", "cycle", "set1", "set2", "set3", *(f"s{number}" for number in range(1, 22)))
# The fields of contract `turbofan` in the order of those columns; the first one is the device.
CMAPSS_FIELDS = {
    "cycle": "cycle",
    "altitude_kft": "set1",
    "mach": "set2",
    "throttle_resolver_angle": "set3",
    "t2_fan_inlet": "s1",
    "t24_lpc_outlet": "s2",
    "t30_hpc_outlet": "s3",
    "t50_lpt_outlet": "s4",
    "p2_fan_inlet": "s5",
    "p15_bypass_duct": "s6",
    "p30_hpc_outlet": "s7",
    "physical_fan_speed": "s8",
    "physical_core_speed": "s9",
    "engine_pressure_ratio": "s10",
    "ps30_hpc_outlet": "s11",
    "fuel_flow_ratio": "s12",
    "corrected_fan_speed": "s13",
    "corrected_core_speed": "s14",
    "bypass_ratio": "s15",
    "burner_fuel_air_ratio": "s16",
    "bleed_enthalpy": "s17",
    "demanded_fan_speed": "s18",
    "demanded_corrected_fan_speed": "s19",
    "hpt_coolant_bleed": "s20",
    "lpt_coolant_bleed": "s21",
}


class Recording:
    """Columns of equal length; a missing value is None."""

    def __init__(self, file: Path, columns: Mapping[str, list[Any]]) -> None:
        self.file = file
        self.columns = columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))

    def column(self, name: str) -> list[Any]:
        """Raises UserError that lists the columns there are."""
        if name not in self.columns:
            raise UserError(f"replay {self.file.name}: there is no column {name}; there are {', '.join(self.columns)}")
        return self.columns[name]

    @property
    def is_cmapss(self) -> bool:
        return set(CMAPSS_COLUMNS) <= self.columns.keys()


# No engine has so many before it; and the time of its failure can still be computed.
_MOST_CYCLES = 1_000_000


def read_recording(file: Path) -> Recording:
    """All of `file`. Raises UserError for one that is absent, of no known kind, or broken."""
    # Imported here: the command line is light until it reads.
    import pyarrow as pa

    if file.is_dir():
        raise UserError(f"replay {file}: it is a folder; name a file in it")
    if not file.is_file():
        raise UserError(f"replay {file}: there is no such file")
    readers = {".parquet": _parquet, ".csv": _csv, ".txt": _cmapss_text}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise UserError(f"replay {file.name}: {file.suffix or 'no suffix'} is not known; it reads {', '.join(readers)}")
    try:
        recording = Recording(file, reader(file))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"replay {file.name}: cannot be read as {file.suffix}: {' '.join(str(error).split())[:200]}") from None
    if not len(recording):
        raise UserError(f"replay {file.name}: it has no row")
    return recording


def read_remaining(file: Path) -> list[int]:
    """Remaining cycles of each unit in the order of their numbers, one on a line. Raises UserError."""
    try:
        remaining = [int(line) for line in file.read_text().split()]
    except (OSError, ValueError) as error:
        raise UserError(f"replay: remaining cycles {file}: {error}; it must have one whole number on a line") from None
    for line, cycles in enumerate(remaining, start=1):
        if not 0 <= cycles <= _MOST_CYCLES:
            raise UserError(f"replay: remaining cycles {file}: number {line} is {cycles}; it must be from 0 to {_MOST_CYCLES}")
    return remaining


def read_moment(value: Any) -> datetime:
    """A time of a recording: a date and time (UTC where it names no zone), ISO 8601, or epoch seconds or milliseconds.

    Raises ValueError.
    """
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        # Beyond the year 5138 in seconds nobody records: it is milliseconds.
        moment = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
    else:
        moment = datetime.fromisoformat(str(value))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parquet(file: Path) -> dict[str, list[Any]]:
    import pyarrow.parquet as pq

    return _columns(pq.read_table(file))


def _csv(file: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    from pyarrow import csv

    table = csv.read_csv(file, convert_options=csv.ConvertOptions(strings_can_be_null=True))
    if table.num_columns == 1 and any(mark in table.column_names[0] for mark in ";\t|"):
        raise ValueError(f"its only column is {table.column_names[0]!r}; columns must be parted by commas")
    if strange := [field.name for field in table.schema if pa.types.is_binary(field.type)]:
        raise ValueError(f"column {strange[0]} is not UTF-8; convert the file")
    return _columns(table)


def _columns(table: Any) -> dict[str, list[Any]]:
    twice = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if twice:
        raise ValueError(f"more than one column is called {', '.join(twice)}; give each a name of its own")
    return {name: table.column(name).to_pylist() for name in table.column_names}


def _cmapss_text(file: Path) -> dict[str, list[Any]]:
    rows = [line.split() for line in file.read_text().splitlines() if line.strip()]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(CMAPSS_COLUMNS):
            raise ValueError(f"row {number} has {len(row)} values; a C-MAPSS text file has {len(CMAPSS_COLUMNS)}")
    columns = zip(*rows, strict=True)
    kinds = [int, int, *[float] * (len(CMAPSS_COLUMNS) - 2)]
    return {name: [kind(value) for value in column] for name, kind, column in zip(CMAPSS_COLUMNS, kinds, columns, strict=True)}
