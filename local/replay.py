"""Sends recorded data as devices: each row a reading, over the same sockets as the simulator, with the same truth file.

    from local.replay import Replay, replay
    replay(platform, Replay(Path("train_FD001.parquet"), failures=True), progress=…)

A C-MAPSS file needs nothing else: contract `turbofan`, its columns under the contract's names, a device for each unit. Any other
file names its contract, its device column (without one it is one device), and a mapping of fields to columns (a field
that is not in it is looked for under its own name).

Times: the time column's; without one, rows are a cadence apart and every device's last row is measured at `end`, so that
completeness has nothing to complain about. With a time column and `end`, all times are moved so that the newest is at `end`.
Without `end` it is the last full cadence before now, and the same file replayed later is a new recording; with the same `end`
it has the same identities, a resend.

Failures: with `failures` the `failure` event of each device follows its last row, whose lifetime counter it names; with
`remaining` (a file of the cycles that each device still had) it comes so many cycles later. `readings=False` sends the events alone.
"""

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lake.contracts import Contract, Contracts, sound_contracts
from local import expected
from local.message import Message
from local.provisioning import ID_RULE, is_device_id
from local.recorded import CMAPSS_FIELDS, Recording, read_moment, read_recording, read_remaining
from local.sending import Watch, send
from local.simulator.fleet import Simulated
from local.simulator.packs import messages
from local.simulator.planned import Planned, number
from local.simulator.samples import Sample, epoch_ms
from local.simulator.turbofan import EVENTS
from local.truth import Truth, new_run, truth_file
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError
from runtime.platforms import Platform

_SOON_MS = 60_000


@dataclass(frozen=True)
class Replay:
    """What to replay; `columns` maps fields to columns. Device ids are `prefix` (by default the file's name) and the device column's value."""

    file: Path
    contract: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    device_column: str = ""
    time_column: str = ""
    end: datetime | None = None
    prefix: str | None = None
    pack: int = 100
    failures: bool = False
    remaining: Path | None = None
    readings: bool = True

    def described(self) -> dict[str, Any]:
        """The replay as JSON values, for the truth file and the boot."""
        plain = dataclasses.asdict(self)
        return {name: str(value) if isinstance(value, Path | datetime) else value for name, value in plain.items()}


def replay(
    platform: Platform, asked: Replay, truth: Path | None = None, progress: Watch = lambda _: None, clock: Clock | None = None
) -> Simulated:
    """Send the recording; returns when each message was answered. Raises UserError, ContractError or ServiceError."""
    now = (clock or SystemClock()).now()
    sent_messages = stream(asked, sound_contracts(platform.settings.contracts_folder), now)
    platform.mqtt_endpoint()  # raises where no cloud runs, before a truth file is begun
    run = new_run()
    file = truth or truth_file(platform.settings.home, run)
    with Truth(file, run, {"command": "replay", **asked.described()}) as written:
        sent = send(platform, sent_messages, written, progress)
    return Simulated(**vars(sent), truth_file=file)


def stream(asked: Replay, contracts: Contracts, now: datetime) -> list[Message]:
    """The messages of a replay, in the order of their times."""
    recording = read_recording(asked.file)
    asked = _with_defaults(asked, recording)
    contract = contracts.named(asked.contract)
    samples = _samples(asked, recording, contract, now)
    events = _failures(asked, samples, contracts, now) if asked.failures or asked.remaining else []
    boot = _boot(asked, samples)
    chosen = [*(samples if asked.readings else []), *events]
    planned = [_with_fate(reading, now) for reading in number(sorted(chosen, key=lambda sample: sample.ts_ms), boot)]
    return list(messages(planned, asked.pack))


def _with_defaults(asked: Replay, recording: Recording) -> Replay:
    if asked.prefix is None:
        asked = dataclasses.replace(asked, prefix=f"{asked.file.stem}-" if asked.device_column or recording.is_cmapss else asked.file.stem)
    if recording.is_cmapss and asked.contract in ("", "turbofan"):
        named = {"contract": "turbofan", "columns": CMAPSS_FIELDS | dict(asked.columns), "device_column": asked.device_column or "unit"}
        asked = dataclasses.replace(asked, **named)  # type: ignore[arg-type]
    if not asked.contract:
        raise UserError(f"replay {asked.file.name}: name its contract with --contract; only a C-MAPSS file is known by its columns")
    return asked


def _samples(asked: Replay, recording: Recording, contract: Contract, now: datetime) -> list[Sample]:
    """Each row as a sample, with its time."""
    values = _values(asked, recording, contract)
    devices = _device_ids(asked, recording)
    times = _recorded_times(asked, recording) if asked.time_column else _aligned_times(asked, devices, contract, now)
    return [Sample(device, contract, ts_ms, row) for device, ts_ms, row in zip(devices, times, values, strict=True)]


def _values(asked: Replay, recording: Recording, contract: Contract) -> list[dict[str, Any]]:
    unknown = asked.columns.keys() - {each.name for each in contract.fields}
    if unknown:
        raise UserError(
            f"replay {asked.file.name}: contract {contract.name} has no field {', '.join(sorted(unknown))}; correct the mapping"
        )
    mapped = {each.name: asked.columns.get(each.name, each.name) for each in contract.fields}
    absent = [each.name for each in contract.fields if each.required and mapped[each.name] not in recording.columns]
    if absent:
        raise UserError(
            f"replay {asked.file.name}: no column for the required {', '.join(absent)}; map them with --map FIELD=COLUMN; "
            f"there are {', '.join(recording.columns)}"
        )
    present = {name: column for name, column in mapped.items() if name in asked.columns or column in recording.columns}
    columns = [_plain(contract.field(name).type, recording.column(column)) for name, column in present.items()]
    return [{name: value for name, value in zip(present, row, strict=True) if value is not None} for row in zip(*columns, strict=True)]


def _plain(kind: str, column: list[Any]) -> list[Any]:
    """The values as a device would say them: nothing instead of NaN, 392.0 for a float that was recorded as 392."""
    return [_plain_value(kind, value) for value in column]


def _plain_value(kind: str, value: Any) -> Any:
    if isinstance(value, str) and kind != "string":
        # One odd cell makes all of a CSV's column texts: what is a number is sent as one, the odd one as it stands.
        value = _read_cell(kind, value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if kind == "int64" and value.is_integer() else value
    if kind == "float64" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if isinstance(value, bool | int | str | None) else str(value)


def _read_cell(kind: str, text: str) -> Any:
    if kind == "bool":
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        # Python would also read 1_000.
        return text if "_" in text else int(text) if text.strip("+-").isdecimal() else float(text)
    except ValueError:
        return text


def _device_ids(asked: Replay, recording: Recording) -> list[str]:
    """The device of each row. Raises UserError for the first row whose device can be none."""
    if asked.device_column:
        named = recording.column(asked.device_column)
        width = max(len(str(value)) for value in named)
        ids = [_device_id(asked.prefix or "", value, width) for value in named]
    else:
        named = ids = [asked.prefix or asked.file.stem] * len(recording)
    for row, device_id in enumerate(ids, start=1):
        if not is_device_id(device_id):
            value = named[row - 1]
            wrong = f"column {asked.device_column} is empty" if value is None else f"{value!r} makes the device id {device_id!r}"
            raise UserError(f"replay {asked.file.name}, row {row}: {wrong}; {ID_RULE}, and begins with --prefix or the file's name")
    return ids


def _device_id(prefix: str, value: Any, width: int) -> str:
    if value is None:
        return ""
    return f"{prefix}{value:0{width}d}" if isinstance(value, int) else f"{prefix}{value}"


def _recorded_times(asked: Replay, recording: Recording) -> list[int]:
    times = []
    for row, value in enumerate(recording.column(asked.time_column), start=1):
        try:
            times.append(epoch_ms(read_moment(value)))
        except (ValueError, OverflowError, OSError):
            told = "is empty" if value is None else f"holds no time: {value!r}"
            forms = "ISO 8601 such as 2026-11-01T00:00:00Z (without a zone it is UTC), or epoch seconds or milliseconds"
            raise UserError(f"replay {asked.file.name}, row {row}: column {asked.time_column} {told}; it must be {forms}") from None
    moved = epoch_ms(asked.end) - max(times) if asked.end else 0
    return [time + moved for time in times]


def _aligned_times(asked: Replay, devices: list[str], contract: Contract, now: datetime) -> list[int]:
    """A cadence apart, the last of each device at the end."""
    cadence = round((contract.cadence_seconds or 60) * 1000)
    # What is still to come after the last row must not lie in the future.
    ahead = max(read_remaining(asked.remaining), default=0) + 1 if asked.remaining else 1
    end = epoch_ms(asked.end) if asked.end else epoch_ms(now) // cadence * cadence - ahead * cadence
    left: dict[str, int] = {}
    for device in devices:
        left[device] = left.get(device, 0) + 1
    times = []
    for device in devices:
        left[device] -= 1
        times.append(end - left[device] * cadence)
    return times


def _failures(asked: Replay, samples: Iterable[Sample], contracts: Contracts, now: datetime) -> list[Sample]:
    """The failure event of each device."""
    last = {sample.device_id: sample for sample in sorted(samples, key=lambda sample: sample.ts_ms)}
    remaining = read_remaining(asked.remaining) if asked.remaining else [0] * len(last)
    if len(remaining) != len(last):
        raise UserError(f"replay {asked.file.name}: {len(last)} devices, but remaining cycles of {len(remaining)} in {asked.remaining}")
    told = contracts.named(EVENTS)
    events = [_failure(last[device], told, cycles) for device, cycles in zip(sorted(last), remaining, strict=True)]
    latest = epoch_ms(now + timedelta(minutes=5))
    if any(event.ts_ms > latest for event in events):
        raise UserError(f"replay {asked.file.name}: some failures would lie in the future; give an earlier --end")
    return events


def _failure(last: Sample, told: Contract, remaining: int) -> Sample:
    counter = last.contract.lifetime_counter
    if counter is None:
        raise UserError(f"replay: contract {last.contract.name} has no lifetime counter, so nothing says when a device failed")
    cycle = last.values.get(counter.name)
    if not isinstance(cycle, int) or isinstance(cycle, bool):
        told_as = "nothing" if cycle is None else repr(cycle)
        raise UserError(
            f"replay: the last row of {last.device_id} has {told_as} as {counter.name}, so its failure has no cycle; mend the row, or leave --failures out"
        )
    cadence = round((last.contract.cadence_seconds or 60) * 1000)
    at = last.ts_ms + remaining * cadence + min(_SOON_MS, cadence // 4)
    return Sample(last.device_id, told, at, {"event": "failure", "cycle": cycle + remaining})


def _boot(asked: Replay, samples: list[Sample]) -> str:
    """The same for the same rows at the same times, and for no others."""
    digest = hashlib.sha256(asked.file.read_bytes())
    told = [asked.contract, dict(asked.columns), asked.device_column, max(sample.ts_ms for sample in samples)]
    digest.update(json.dumps(told, sort_keys=True).encode())
    return f"r{digest.hexdigest()[:10]}"


def _with_fate(reading: Planned, now: datetime) -> Planned:
    assert reading.ts_ms is not None
    return dataclasses.replace(reading, fate=expected.fate(reading.contract, reading.values, reading.ts_ms, epoch_ms(now)))
