"""A verdict told to those who look after the data: on the alarm topic, by its kind."""

from enum import StrEnum

from lake.contracts import Contract
from runtime.alarms import Alarm, raise_alarm
from runtime.log import logger
from runtime.platforms import Platform

log = logger("quality")


class Kind(StrEnum):
    """What a subscription may filter by."""

    HELD = "run_held"
    WARNED = "run_warned"


_SUBJECTS = {Kind.HELD: "is held by the quality gate", Kind.WARNED: "is published with warnings of the quality gate"}


def tell(platform: Platform, contract: Contract, run_id: str, kind: Kind, sentence: str) -> None:
    """Nothing fails because this does."""
    facts = {"contract": contract.name, "run": run_id, "look": f"fleetlake quality show {run_id}"}
    try:
        raise_alarm(platform, Alarm(kind, f"silver.{contract.name}: run {run_id} {_SUBJECTS[kind]}", sentence, facts=facts))
    except Exception as error:  # noqa: BLE001 - the edge: a verdict that cannot be told stands in the lake all the same
        log.warning(f"nobody was told that run {run_id} {_SUBJECTS[kind]}: {error}")
