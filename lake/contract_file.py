"""The rules of a contract file: which keys it may have, what each must be, and what a new version may change."""

import dataclasses
import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NoReturn

from lake.contract_quality import FIELD_SHARES, read_quality
from lake.contract_retention import read_retention, read_timeseries
from lake.contracts import NUMBERS, TYPES, Contract, Field
from runtime.errors import ContractError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_RESERVED = {
    "event_id", "device_id", "event_time", "received_at", "run_id", "boot", "seq", "ts", "trace_id", "principal", "client_id", "topic",
    "at", "hour", "day", "life", "reading_number", "seconds_since_previous", "readings", "gaps", "gap_seconds", "contract", "_extra",
    "superseded_by", "object", "ingest_date", "ingest_hour",
}  # fmt: skip
# What the quality gate calls the columns that it derives of a field.
_DERIVED = ("stuck", "jump", "nulls", "changed", "began", "since")
_CONTRACT_KEYS = {f.name for f in dataclasses.fields(Contract)} - {"name", "file"} | {"contract"}
_FIELD_KEYS = {f.name for f in dataclasses.fields(Field)} - {"name"}
_NUMBER_KEYS = {"min", "max", "lifetime_counter", "stuck_after", "max_step", "may_be_constant", "max_stuck_share", "max_jump_share"}
_STRING_KEYS = {"max_length", "enum"}


def read_contract(file: str, document: Any) -> Contract:
    """The contract of a parsed YAML document; raises ContractError with file, field and reason."""
    checks = _Checks(file)
    if not isinstance(document, dict):
        checks.refuse("", "the file must be a mapping that begins with `contract: name`")
    checks.known_keys("", document, _CONTRACT_KEYS)
    name = checks.name("contract", document.get("contract"))
    if re.fullmatch(rf"{name}(\.v[0-9]+)?\.yaml", file) is None:
        checks.refuse("contract", f"{name!r} is not the name of the file; call the file {name}.yaml")
    kind = checks.one_of("kind", document.get("kind", "measurement"), ("measurement", "event"))
    contract = Contract(
        name=name,
        version=checks.whole("version", document.get("version"), 1),
        kind=kind,
        description=checks.text("description", document.get("description")),
        fields=_read_fields(checks, document.get("fields")),
        cadence_seconds=_read_cadence(checks, kind, document.get("cadence_seconds")),
        late_days=checks.whole("late_days", document.get("late_days", 7), 0),
        unknown_fields=checks.one_of("unknown_fields", document.get("unknown_fields", "keep"), ("keep", "quarantine")),
        quality=read_quality(checks, document.get("quality", {})),
        timeseries=read_timeseries(checks, kind, document.get("timeseries")),
        retention=read_retention(checks, document.get("retention", {}), document.get("late_days", 7)),
        file=file,
    )
    if sum(field.lifetime_counter for field in contract.fields) > 1:
        checks.refuse("fields", "only one field may be the lifetime_counter")
    if "." in file.removesuffix(".yaml") and file != f"{name}.v{contract.version}.yaml":
        checks.refuse("version", f"{contract.version} is not the version in the file's name; call the file {name}.v{contract.version}.yaml")
    _refuse_repeated_columns(checks, contract)
    return contract


def shared_tables(contracts: Iterable[Contract]) -> dict[str, ContractError]:
    """What is wrong with each contract that would have a table of one before it, by name."""
    # Imported here: tables are made of contracts.
    from lake.tables import lake_tables

    wrong: dict[str, ContractError] = {}
    owners: dict[str, Contract] = {}
    shared = {table.name for table in lake_tables([])}
    for contract in contracts:
        for name in {table.name for table in lake_tables([contract])} - shared:
            other = owners.setdefault(name, contract)
            if other is not contract:
                reason = f"its table {name} is one of contract {other.name} already; choose another name"
                wrong[contract.name] = ContractError(f"contract {contract.file}, contract: {reason}")
    return wrong


def _refuse_repeated_columns(checks: "_Checks", contract: Contract) -> None:
    from lake.tables import lake_tables

    names = {field.name for field in contract.fields}
    for table in lake_tables([contract]):
        twice = [name for name, count in Counter(table.column_names).items() if count > 1]
        if twice:
            checks.refuse("fields", f"table {table.name} would have the column {twice[0]} twice, once derived of another field; rename one")
    for field in sorted(names):
        derived = next((f"{word}_{field}" for word in _DERIVED if f"{word}_{field}" in names), None)
        if derived:
            checks.refuse(f"field {derived}", f"this is what the quality gate derives of field {field}; rename one")


def incompatibilities(old: Contract, new: Contract) -> list[str]:
    """What of `new` does not follow from `old`, a phrase each; empty when it is a legal next version."""
    found = []
    if new.kind != old.kind:
        found.append(f"kind changed from {old.kind} to {new.kind}")
    if new.version < old.version:
        found.append(f"version {new.version} is below {old.version}")
    if new.version == old.version and _meaning(new) != _meaning(old):
        found.append("fields changed without a new version number")
    now = {field.name: field for field in new.fields}
    for field in old.fields:
        found += [f"field {field.name} was removed"] if field.name not in now else _narrowed(field, now[field.name])
    added = now.keys() - {field.name for field in old.fields}
    return found + [f"field {name} is new and required" for name in sorted(added) if now[name].required]


def _meaning(contract: Contract) -> list[tuple[Any, ...]]:
    return sorted((f.name, f.type, f.unit, f.min, f.max, f.required, f.max_length, f.enum, f.lifetime_counter) for f in contract.fields)


def _narrowed(old: Field, new: Field) -> list[str]:
    found = []
    if new.type != old.type:
        found.append(f"field {old.name} changed from {old.type} to {new.type}")
    if new.unit != old.unit:
        found.append(f"field {old.name} changed its unit from {old.unit!r} to {new.unit!r}")
    if new.required and not old.required:
        found.append(f"field {old.name} became required")
    if new.lifetime_counter != old.lifetime_counter:
        found.append(f"field {old.name} changed lifetime_counter")
    if new.min is not None and (old.min is None or new.min > old.min):
        found.append(f"field {old.name} narrowed min to {new.min:g}")
    if new.max is not None and (old.max is None or new.max < old.max):
        found.append(f"field {old.name} narrowed max to {new.max:g}")
    if new.max_length < old.max_length:
        found.append(f"field {old.name} narrowed max_length to {new.max_length}")
    if new.enum and (not old.enum or set(old.enum) - set(new.enum)):
        found.append(f"field {old.name} lost values of its enum")
    return found


def _read_fields(checks: "_Checks", fields: Any) -> tuple[Field, ...]:
    if not isinstance(fields, dict) or not fields:
        checks.refuse("fields", "there must be at least one field, as `name: {type: float64, …}`")
    return tuple(_read_field(checks, name, given) for name, given in fields.items())


def _read_field(checks: "_Checks", name: Any, given: Any) -> Field:
    checks.name(f"field {name}", name)
    if name in _RESERVED:
        checks.refuse(f"field {name}", "the platform has a column of this name; choose another")
    if not isinstance(given, dict):
        checks.refuse(f"field {name}", "must be a mapping such as {type: float64, unit: bar}")
    where = f"field {name}"
    checks.known_keys(where, given, _FIELD_KEYS)
    kind = checks.one_of(f"{where}: type", given.get("type"), TYPES)
    _refuse_foreign_keys(checks, where, kind, given)
    field = Field(
        name=name,
        type=kind,
        unit=checks.text(f"{where}: unit", given.get("unit", "")),
        description=checks.text(f"{where}: description", given.get("description", "")),
        min=checks.number(f"{where}: min", given.get("min")),
        max=checks.number(f"{where}: max", given.get("max")),
        required=checks.flag(f"{where}: required", given.get("required", False)),
        max_length=checks.whole(f"{where}: max_length", given.get("max_length", Field("", "").max_length), 1),
        enum=checks.texts(f"{where}: enum", given.get("enum", [])),
        may_be_constant=checks.flag(f"{where}: may_be_constant", given.get("may_be_constant", False)),
        lifetime_counter=checks.flag(f"{where}: lifetime_counter", given.get("lifetime_counter", False)),
        stuck_after=checks.optional_whole(f"{where}: stuck_after", given.get("stuck_after"), 2),
        max_step=checks.number(f"{where}: max_step", given.get("max_step"), least=0),
        **{key: checks.share(f"{where}: {key}", given.get(key)) for key in FIELD_SHARES},
    )
    if field.min is not None and field.max is not None and field.min > field.max:
        checks.refuse(where, f"max {field.max:g} is below min {field.min:g}; swap them")
    if field.lifetime_counter and field.type != "int64":
        checks.refuse(where, "a lifetime_counter must be int64")
    return field


def _refuse_foreign_keys(checks: "_Checks", where: str, kind: str, given: dict[str, Any]) -> None:
    foreign = (set() if kind in NUMBERS else _NUMBER_KEYS) | (set() if kind == "string" else _STRING_KEYS)
    for key in sorted(foreign & given.keys()):
        checks.refuse(where, f"{key} has no meaning for type {kind}; remove it")


def _read_cadence(checks: "_Checks", kind: str, value: Any) -> float | None:
    if kind == "event":
        if value is not None:
            checks.refuse("cadence_seconds", "an event has no cadence; remove it")
        return None
    cadence = checks.number("cadence_seconds", value)
    if cadence is None or not 0 < cadence <= 86_400:
        checks.refuse("cadence_seconds", "a measurement needs a number of seconds above 0 and up to 86400 (a day)")
    return cadence


class _Checks:
    """Checks of single values, each refusing with the file, the place and the reason."""

    def __init__(self, file: str) -> None:
        self.file = file

    def refuse(self, where: str, reason: str) -> NoReturn:
        raise ContractError(f"contract {self.file}{', ' + where if where else ''}: {reason}")

    def known_keys(self, where: str, given: dict[Any, Any], known: set[str]) -> None:
        for key in given:
            if key not in known:
                self.refuse(where, f"{key!r} is not known here; known are {', '.join(sorted(known))}")

    def name(self, where: str, value: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            self.refuse(where, f"{value!r} must be a lower-case name of letters, digits and _ with at most 40 characters")
        return value

    def text(self, where: str, value: Any) -> str:
        if not isinstance(value, str):
            self.refuse(where, f"{value!r} must be a text")
        return value

    def texts(self, where: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value) or len(set(value)) < len(value):
            self.refuse(where, "must be a list of different texts (quote words like on and off)")
        return tuple(value)

    def one_of(self, where: str, value: Any, allowed: tuple[str, ...]) -> str:
        if value not in allowed:
            self.refuse(where, f"{value!r} must be one of {', '.join(allowed)}")
        return str(value)

    def flag(self, where: str, value: Any) -> bool:
        if not isinstance(value, bool):
            self.refuse(where, f"{value!r} must be true or false")
        return value

    def whole(self, where: str, value: Any, least: int, most: float = math.inf) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            limits = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
            self.refuse(where, f"{value!r} must be a whole number {limits}")
        return value

    def optional_whole(self, where: str, value: Any, least: int) -> int | None:
        return None if value is None else self.whole(where, value, least)

    def number(self, where: str, value: Any, least: float | None = None) -> float | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            hint = "; YAML takes an exponent as a number only with point and sign: 1.0e+3" if _is_exponent(value) else ""
            self.refuse(where, f"{repr(value)[:40]} must be a finite number{hint}")
        if least is not None and value < least:
            self.refuse(where, f"{value!r} must be at least {least:g}")
        return value

    def share(self, where: str, value: Any) -> float | None:
        share = self.number(where, value, least=0)
        if share is not None and share > 1:
            self.refuse(where, f"{value!r} must be a share between 0 and 1")
        return share


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number beyond every float64.
        return False


def _is_exponent(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?[0-9]+", value) is not None
