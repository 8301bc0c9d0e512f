"""A verdict told to those who look after the data: on the alarm topic, by its kind."""

from enum import StrEnum

from lake.contracts import Contract
from runtime import job_metrics
from runtime.alarms import Alarm, tell
from runtime.platforms import Platform


class Kind(StrEnum):
    """What a subscription may filter by."""

    HELD = "run_held"
    WARNED = "run_warned"


_SUBJECTS = {Kind.HELD: "is held by the quality gate", Kind.WARNED: "is published with warnings of the quality gate"}


def tell_verdict(platform: Platform, contract: Contract, run_id: str, kind: Kind, sentence: str) -> None:
    if kind is Kind.HELD:
        job_metrics.put(platform, {"runs_held": 1}, contract=contract.name)
    facts = {"contract": contract.name, "run": run_id, "look": f"fleetlake quality show {run_id}"}
    tell(platform, Alarm(kind, f"silver.{contract.name}: run {run_id} {_SUBJECTS[kind]}", sentence, facts=facts))
