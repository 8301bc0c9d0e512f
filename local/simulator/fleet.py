"""Simulates a fleet: every device on its own connection, readings of simulated time sent as fast as they are acknowledged.

    from local.simulator.fleet import simulate
    from local.simulator.plan import Plan

    plan = Plan(devices={"turbofan": 20, "pump": 3}, start=monday, end=tuesday, seed=1, faults=every_fault(0.05), pack=100)
    sent = simulate(platform, plan, progress=lambda counts: table.update(counts))
    sent.readings, sent.acknowledged, sent.refused, sent.faults["late"], sent.truth_file

- `platform` names the broker and the contracts folder; devices that have no certificate yet get one.
- `progress` is called after each message and each connection with a `Progress`: counts of readings planned, sent,
  acknowledged and refused; connected devices while the fleet connects. It must return soon: the sending waits for it.
- A second slice of the same fleet is ``replace(plan, start=tuesday, end=wednesday, born=monday)``: engines go on where they were.
- `sent.faults` counts readings by fault; for `silence` and `silent_half` those that were not sent.
- What was sent stands in `truth_file`, by default one new file in ``{home}/truth`` for each call (see `local.truth`).
- Any measurement contract makes a fleet; engines (`turbofan`) also send the events of `maintenance` where that contract exists.
- `stream(plan, contracts)` alone gives the messages without sending them: pure, the same for the same plan.
"""

from dataclasses import dataclass
from pathlib import Path

from lake.contracts import Contracts, sound_contracts
from local.message import Message
from local.sending import Progress, Sent, Watch, send
from local.simulator import faults, packs
from local.simulator.plan import Plan
from local.simulator.planned import number
from local.simulator.samples import samples
from local.truth import Truth, new_run, truth_file
from runtime.platforms import Platform

__all__ = ["Progress", "Simulated", "simulate", "stream"]


@dataclass(frozen=True)
class Simulated(Sent):
    """Counts of readings and messages, readings by fault, and where the truth of them lies."""

    truth_file: Path


def simulate(platform: Platform, plan: Plan, truth: Path | None = None, progress: Watch = lambda _: None) -> Simulated:
    """Send what `plan` says; returns when each message was answered.

    Raises UserError or ContractError for a plan that cannot be, ServiceError where the broker fails.
    """
    contracts = sound_contracts(platform.settings.contracts_folder)
    plan.check(contracts)
    platform.mqtt_endpoint()  # raises where no cloud runs, before all is planned and a truth file begun
    messages, unsent = _stream(plan, contracts)
    run = new_run()
    file = truth or truth_file(platform.settings.home, run)
    told = {"command": "simulate", **plan.described(), "boot": plan.boot_name, "unsent": unsent}
    with Truth(file, run, told) as written:
        sent = send(platform, messages, written, progress)
    return Simulated(**vars(sent) | {"faults": sent.faults | unsent}, truth_file=file)


def stream(plan: Plan, contracts: Contracts) -> list[Message]:
    """The messages of a plan, in the order of sending. Raises as `Plan.check`."""
    plan.check(contracts)
    return _stream(plan, contracts)[0]


def _stream(plan: Plan, contracts: Contracts) -> tuple[list[Message], dict[str, int]]:
    """The messages, and how many readings each fault of silence left unsent."""
    measured = list(samples(plan, contracts))
    heard = faults.silence(measured, plan)
    told = faults.silent_half(heard, plan)
    planned = faults.befall(number(faults.stuck(told, plan), plan.boot_name), plan)
    messages = list(packs.messages(planned, plan.pack))
    if "resend" in plan.faults and messages:
        messages = packs.resend(messages, plan.faults["resend"], plan.seed)
    unsent = {"silence": len(measured) - len(heard), "silent_half": len(heard) - len(told)}
    return messages, {kind: count for kind, count in unsent.items() if count}
