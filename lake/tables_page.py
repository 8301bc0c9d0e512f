"""docs/tables.md: every table of the lake with its columns, written from the declarations and the contracts."""

from collections.abc import Iterable

from lake.contracts import Contract, Contracts
from lake.tables import FEATURE_STATISTICS, Column, Table, bronze, contract_tables, iceberg_tables, quarantine, replayed

_HEAD = """# Tables of the lake

Written by `fleetlake contracts docs` from `lake/tables.py` and `contracts/`; do not edit. Times are UTC with microseconds.
"""
_STATISTICS = ("count", "min", "max", "mean", "last", "share_true", *FEATURE_STATISTICS)


def tables_page(contracts: Contracts) -> str:
    """The whole page: what devices send, then each contract's tables, then those that all share."""
    every = list(contracts.values())
    own = {table.name for contract in every for table in contract_tables(contract)}
    shared = [table for table in iceberg_tables(every) if table.name not in own]
    parts = [_HEAD, _contents(every, shared)]
    for contract in every:
        parts.append(_contract(contract))
        parts += [
            _table(table, contract)
            for table in (bronze(contract), quarantine(contract.name), replayed(contract.name), *contract_tables(contract))
        ]
    parts += ["## Shared tables\n", *(_table(table, None) for table in shared)]
    return "\n".join(parts)


def _contents(contracts: Iterable[Contract], shared: Iterable[Table]) -> str:
    lines = [f"- [{contract.name}](#contract-{contract.name}): {contract.description}" for contract in contracts]
    lines += [f"- [{table.name}](#{_anchor(table.name)}): {table.description}" for table in shared]
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return title.replace(".", "").replace(" ", "-").lower()


def _contract(contract: Contract) -> str:
    cadence = f", a reading every {contract.cadence_seconds:g} s" if contract.cadence_seconds else ""
    lines = [
        f"## Contract {contract.name}",
        "",
        f"{contract.description} Version {contract.version}, {contract.kind}{cadence}; later than {contract.late_days} days is very late. "
        f"{_gate(contract)}{_retention(contract)}",
        "",
        *_grid(("field", "type", "unit", "range", "remarks", "meaning"), [_field_row(contract, name) for name in _names(contract)]),
    ]
    return "\n".join(lines) + "\n"


def _gate(contract: Contract) -> str:
    quality = contract.quality
    stuck = f"in more than {quality.max_stuck_share:.0%} of its readings a" if quality.max_stuck_share else "a"
    measured = (
        f"less than {quality.completeness:.0%} of an hour's readings arrived, {stuck} sensor stands still for {quality.stuck_after} "
        f"readings, a day has {quality.volume_factor:g} times the readings of those before or as little a part, "
    )
    nulls = f"a field has {quality.max_null_rise:.0%} more nulls than on the 14 days before, "
    warn = f" Of {', '.join(name.replace('_', ' ') for name in quality.warn)} it only warns." if quality.warn else ""
    held = f"The gate holds a run when {measured if contract.is_measurement else ''}{nulls}"
    return f"{held}or more than {quality.max_quarantined_share:.0%} was quarantined.{warn}"


def _retention(contract: Contract) -> str:
    kept = contract.timeseries
    if kept is None:
        return ""
    coarse = kept.downsample
    after = f", windows of {coarse.every_seconds} s for {coarse.keep_days} days" if coarse else ""
    return f" The time-series store keeps readings for {kept.keep_days} days{after}."


def _names(contract: Contract) -> list[str]:
    return [field.name for field in contract.fields]


def _field_row(contract: Contract, name: str) -> tuple[str, ...]:
    field = contract.field(name)
    low, high = (f"{bound:g}" if bound is not None else "" for bound in (field.min, field.max))
    limits = f"{low} … {high}".strip() if low or high else ", ".join(field.enum)
    remarks = [
        "required" if field.required else "",
        "may be constant" if field.may_be_constant else "",
        "counts up in a life" if field.lifetime_counter else "",
        f"stuck after {field.stuck_after}" if field.stuck_after else "",
        f"steps of {field.max_step:g} at most" if field.max_step is not None else "",
        f"up to {field.max_null_share:.0%} null" if field.max_null_share is not None else "",
        f"up to {field.max_null_rise:.0%} more nulls than usual" if field.max_null_rise is not None else "",
        f"up to {field.max_stuck_share:.0%} stuck" if field.max_stuck_share is not None else "",
        f"up to {field.max_jump_share:.0%} of jumps" if field.max_jump_share is not None else "",
    ]
    return f"`{name}`", field.type, field.unit, limits, ", ".join(filter(None, remarks)), field.description


def _table(table: Table, contract: Contract | None) -> str:
    facts = [
        f"{'Parquet' if table.format == 'parquet' else 'Iceberg'}",
        f"partitioned by {table.partition}" if table.partition else "not partitioned",
        f"key {', '.join(table.key)}" if table.key else "no key: it may hold duplicates",
        f"sorted by {', '.join(table.sort)}" if table.sort else "",
    ]
    lines = [f"### {table.name}", "", f"{table.description} {'; '.join(filter(None, facts))}.", ""]
    fields = _names(contract) if contract else []
    columns = [column for column in table.columns if not _is_repeated(column, fields)]
    lines += _grid(("column", "type", "unit", "null", "meaning"), [_column_row(column) for column in columns])
    lines += _repeated(table, fields)
    return "\n".join(lines) + "\n"


def _is_repeated(column: Column, fields: Iterable[str]) -> bool:
    """A field, or a statistic of one: those are told in one line below the table."""
    return any(column.name == name or column.name in _statistics(name) for name in fields)


def _statistics(field: str) -> dict[str, str]:
    """The columns that may be made of a field, with the statistic each of them is."""
    return {f"{field}_{word}": word for word in _STATISTICS}


def _repeated(table: Table, fields: list[str]) -> list[str]:
    names = set(table.column_names)
    as_they_are = [name for name in fields if name in names]
    statistics = {name: tuple(word for column, word in _statistics(name).items() if column in names) for name in fields}
    lines = [f"And the fields of the contract: {', '.join(f'`{name}`' for name in as_they_are)}."] if as_they_are else []
    for words in filter(None, dict.fromkeys(statistics.values())):
        of = ", ".join(f"`{name}`" for name, found in statistics.items() if found == words)
        lines.append(f"And `{{field}}_` with {', '.join(f'`{word}`' for word in words)}, of each of {of}.")
    return ["", *(line for pair in zip(lines, [""] * len(lines), strict=True) for line in pair)][:-1] if lines else []


def _column_row(column: Column) -> tuple[str, ...]:
    return f"`{column.name}`", column.type, column.unit, "" if column.required else "may be null", column.description


def _grid(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A Markdown table without the columns that are empty in every row."""
    body = list(rows)
    kept = [place for place in range(len(headings)) if any(row[place] for row in body)]
    cells = [tuple(headings[place] for place in kept), ("---",) * len(kept), *(tuple(row[place] for place in kept) for row in body)]
    return [f"| {' | '.join(text.replace('|', chr(92) + '|') for text in row)} |" for row in cells]
