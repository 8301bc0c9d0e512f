"""What the gate looks at in a contract's fields, and what it allows of each: the field's own word, else that of the contract's `quality`."""

from datetime import timedelta

from lake.contracts import Contract, Field

_LONGEST_SILENCE = timedelta(hours=24)


def checked_for_stuck(contract: Contract) -> tuple[Field, ...]:
    """Numbers that move in a sound sensor: not those that may be constant, not a counter; an event has no sensors."""
    numbers = contract.numbers if contract.is_measurement else ()
    return tuple(field for field in numbers if not field.may_be_constant and not field.lifetime_counter)


def checked_for_jumps(contract: Contract) -> tuple[Field, ...]:
    return tuple(field for field in contract.numbers if contract.is_measurement and field.max_step is not None)


def checked_for_nulls(contract: Contract) -> tuple[Field, ...]:
    """Fields whose share of nulls has a limit."""
    return tuple(field for field in contract.fields if most_nulls(contract, field) is not None)


def checked_for_null_rise(contract: Contract) -> tuple[Field, ...]:
    """Fields that may be null, and whose nulls are held against those of the days before."""
    return tuple(field for field in contract.fields if not field.required)


def most_nulls(contract: Contract, field: Field) -> float | None:
    """The share of nulls that is allowed; None where the contract says nothing."""
    if field.required:
        return 0.0
    return contract.quality.max_null_share if field.max_null_share is None else field.max_null_share


def most_null_rise(contract: Contract, field: Field) -> float:
    return contract.quality.max_null_rise if field.max_null_rise is None else field.max_null_rise


def most_stuck(contract: Contract, field: Field) -> float:
    return contract.quality.max_stuck_share if field.max_stuck_share is None else field.max_stuck_share


def most_jumps(contract: Contract, field: Field) -> float:
    return contract.quality.max_jump_share if field.max_jump_share is None else field.max_jump_share


def stuck_after(contract: Contract, field: Field) -> int:
    return field.stuck_after or contract.quality.stuck_after


def silence(contract: Contract) -> timedelta:
    """Readings of a device that are this far apart are no neighbours: what lies between may not be among the rows."""
    return max(_LONGEST_SILENCE, timedelta(seconds=3 * (contract.cadence_seconds or 0)))
