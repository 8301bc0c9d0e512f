"""What a simulated fleet is asked to do; the same plan always gives the same readings."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lake.contracts import Contract, Contracts
from local.provisioning import ID_RULE, is_device_id
from local.simulator.fault_kinds import KINDS
from runtime.errors import UserError

MAX_PACK = 250
LONGEST = timedelta(days=3660)
# A device is a connection, a thread and a certificate of its own.
MOST_DEVICES = 2_000
# All readings are planned before the first one is sent: up to 11 KB each, measured with engines.
MOST_READINGS = 1_000_000


@dataclass(frozen=True)
class Plan:
    """`devices` numbers devices by contract; readings are measured in [start, end) of simulated time.

    ``faults``       share of readings by kind of fault (`local.simulator.fault_kinds`; `every_fault` makes one);
                     a kind that is named fires at least once, where there is a reading that it can befall
    ``pack``         readings in a message at most; fewer where they would not fit 100 KB
    ``boot``         text of the pack's head; empty: made from the rest of the plan, so that a plan run again sends the same
                     readings with the same identities (a resend), and another plan never the same identity with other values
    ``born``         when all devices were new; empty: `start`. A second slice of the same fleet names the first one's start,
                     so that engines go on where they were
    ``versions``     version of a contract that the devices speak; the newest where it is not named
    ``prefix``       device ids are ``{prefix}{contract}-{number}``, from ``{prefix}{contract}-001`` on
    """

    devices: Mapping[str, int]
    start: datetime
    end: datetime
    seed: int = 1
    faults: Mapping[str, float] = field(default_factory=dict)
    pack: int = 100
    boot: str = ""
    born: datetime | None = None
    versions: Mapping[str, int] = field(default_factory=dict)
    prefix: str = ""

    @property
    def new_at(self) -> datetime:
        return self.born or self.start

    @property
    def boot_name(self) -> str:
        if self.boot:
            return self.boot
        # The size of packs is not in it: it changes no reading.
        told = {name: value for name, value in self.described().items() if name != "pack"}
        return f"s{hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:10]}"

    def device_ids(self, contract: str) -> list[str]:
        return [f"{self.prefix}{contract}-{number:03d}" for number in range(1, self.devices.get(contract, 0) + 1)]

    def contract(self, contracts: Contracts, name: str) -> Contract:
        """The version of contract `name` that the devices speak. Raises ContractError or UserError where there is none."""
        newest = contracts.named(name)
        version = self.versions.get(name, newest.version)
        for contract in contracts.versions(name):
            if contract.version == version:
                return contract
        raise UserError(f"simulate contract {name}: there is no version {version}; the newest is {newest.version}")

    def described(self) -> dict[str, Any]:
        """The plan as JSON values, for the truth file."""
        plain = dataclasses.asdict(self)
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in plain.items()}

    def check(self, contracts: Contracts) -> None:
        """Raises UserError or ContractError for a plan that cannot be simulated."""
        if any(moment.tzinfo is None for moment in (self.start, self.end, self.new_at)):
            raise UserError("simulate: start, end and born must have a time zone, such as 2026-11-01T00:00:00Z")
        if not self.start < self.end:
            raise UserError(f"simulate: the end {self.end.isoformat()} is not after the start {self.start.isoformat()}")
        if self.new_at > self.start:
            raise UserError(f"simulate: the fleet is born at {self.new_at.isoformat()}, after the start {self.start.isoformat()}")
        if self.end - self.new_at > LONGEST:
            raise UserError("simulate: more than ten years; take a shorter time")
        if not 1 <= self.pack <= MAX_PACK:
            raise UserError(f"simulate: packs of {self.pack} readings; a pack holds 1 to {MAX_PACK}")
        if self.prefix and not is_device_id(self.prefix):
            raise UserError(f"simulate: device ids would begin with {self.prefix!r}; {ID_RULE}")
        self._check_faults()
        for name, number in self.devices.items():
            if not self.contract(contracts, name).is_measurement:
                raise UserError(f"simulate contract {name}: its events come from the devices they are about; name a measurement")
            if number < 1:
                raise UserError(f"simulate contract {name}: {number} devices; there must be at least one")
        self._check_size(contracts)

    def _check_size(self, contracts: Contracts) -> None:
        devices = sum(self.devices.values())
        if devices > MOST_DEVICES:
            raise UserError(
                f"simulate: {devices:,} devices; one process holds the connections of {MOST_DEVICES:,} at most; send them in parts"
            )
        seconds = (self.end - self.start).total_seconds()
        readings = sum(number * seconds / (contracts.named(name).cadence_seconds or 1) for name, number in self.devices.items())
        if readings > MOST_READINGS:
            raise UserError(
                f"simulate: about {readings:,.0f} readings; memory holds {MOST_READINGS:,} at most at once; take fewer devices or a shorter "
                "time, and send the rest as further slices (--born)"
            )

    def _check_faults(self) -> None:
        for kind, share in self.faults.items():
            if kind not in KINDS:
                raise UserError(f"simulate fault {kind}: there is no such fault; there are {', '.join(KINDS)}")
            if not 0 < share <= 1:
                raise UserError(f"simulate fault {kind}: a share of {share:g}; it must be above 0 and at most 1")
        if sum(share for kind, share in self.faults.items() if KINDS[kind].befalls == "reading") > 1:
            raise UserError("simulate faults: their shares together are above 1; a reading has one fault at most")
