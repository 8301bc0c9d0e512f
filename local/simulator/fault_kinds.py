"""The faults that a simulated fleet can have: the closed list, with a sentence each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """`befalls`: what its share is a share of. A ``reading`` (each has one fault at most), a ``message``, or a ``device``."""

    befalls: str
    sentence: str


KINDS = {
    "late": Kind("reading", "Sent hours after it was measured, behind newer ones."),
    "repeated": Kind("reading", "Sent twice, the second time in a later place."),
    "out_of_order": Kind("reading", "Sent before the readings measured just before it."),
    "broken_json": Kind("reading", "A value is missing from the text, or the message is cut off in the middle."),
    "not_finite": Kind("reading", "NaN, Infinity, or a number too large for a double."),
    "wrong_type": Kind("reading", "A text where a number must be, or a number where a text must be."),
    "out_of_range": Kind("reading", "Outside the contract's range, length or enum."),
    "missing": Kind("reading", "A required field is absent or null."),
    "clock_jump": Kind("reading", "The device's clock stands in 1970, or ten years ahead."),
    "wrong_device": Kind("reading", "The payload names another device than the topic."),
    "foreign_topic": Kind("reading", "Published to another device's topic, naming that device: the broker must refuse it."),
    "conflict": Kind("reading", "Sent again under the same identity with another value."),
    "silence": Kind(
        "reading", "The device says nothing for two to four readings: short, so that a small fleet stays as complete as its gate asks."
    ),
    "resend": Kind("message", "The device loses its connection and sends the message again when it is back."),
    "stuck_sensor": Kind("device", "One sensor keeps one value for the second half of the time; decode cannot see it, the gate must."),
    "silent_half": Kind("device", "These devices say nothing in the second half of the time; the gate must see it."),
}
# The gate holds a run that has one of these: they are not in `every_fault`.
FOR_THE_GATE = ("stuck_sensor", "silent_half")


def every_fault(share: float) -> dict[str, float]:
    """All faults that the law must bear, `share` of the readings in all."""
    kinds = [kind for kind in KINDS if kind not in FOR_THE_GATE]
    return {kind: share / len(kinds) for kind in kinds}
