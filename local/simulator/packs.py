"""Planned readings into MQTT messages: packs within the platform's limits, and the messages that stand alone."""

import dataclasses
import random
from collections.abc import Iterable, Iterator

import orjson

from local.message import CONFLICT, REFUSED, SILVER, Message, SentReading
from local.simulator.faults import how_many
from local.simulator.planned import Form, Planned

# The platform takes 100 KB; the head, and what a later version adds to it, need a little.
_MAX_BYTES = 96 * 1024


def messages(planned: Iterable[Planned], pack: int) -> Iterator[Message]:
    """Packs of at most `pack` readings of one device and contract, in the order of sending; an event goes out at once."""
    open_packs: dict[tuple[str, str], _Pack] = {}
    for reading in planned:
        if reading.form is not Form.PACKED:
            yield message([reading])
            continue
        key = reading.device_id, reading.contract.name
        waiting = open_packs.get(key)
        if waiting is not None and not waiting.takes(reading):
            yield message(waiting.readings)
            waiting = None
        if waiting is None:
            waiting = open_packs[key] = _Pack(pack if reading.contract.is_measurement else 1)
        waiting.add(reading)
        if waiting.is_full:
            yield message(open_packs.pop(key).readings)
    for waiting in open_packs.values():
        yield message(waiting.readings)


class _Pack:
    """A pack that is being filled."""

    def __init__(self, most: int) -> None:
        self.readings: list[Planned] = []
        self._most = most
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        return len(self.readings) >= self._most

    def takes(self, reading: Planned) -> bool:
        return self._bytes + len(reading.content) < _MAX_BYTES

    def add(self, reading: Planned) -> None:
        self.readings.append(reading)
        self._bytes += len(reading.content) + 1


def message(readings: list[Planned]) -> Message:
    """One message with these readings, of one device, contract, boot and form."""
    first = readings[0]
    head = b'{"boot":' + orjson.dumps(first.boot) + b',"readings":['
    payload = head + b",".join(reading.content for reading in readings) + b"]}"
    if first.form is Form.CUT_OFF:
        # Within the reading, and between two characters: what is left is text, but no JSON and no pack.
        payload = payload[: len(head) + len(first.content) * 3 // 5].decode(errors="ignore").encode()
        sent = [SentReading(payload, None, fault=first.fault, fate=first.fate)]
    else:
        sent = [_sent(reading, index) for index, reading in enumerate(readings)]
    return Message(first.device_id, first.topic_device, first.contract.name, payload, tuple(sent))


def resend(sent: list[Message], share: float, seed: int) -> list[Message]:
    """With `share` of the fuller messages (one at least) sent again right behind themselves, over a new connection."""
    fullest = max(len(message.readings) for message in sent)
    fit = [place for place, message in enumerate(sent) if 2 * len(message.readings) > fullest and message.topic_device == message.device_id]
    again = set(random.Random(f"{seed}:resend").sample(fit, how_many(share, len(fit))))
    return [copy for place, message in enumerate(sent) for copy in ((message, _again(message)) if place in again else (message,))]


def _again(message: Message) -> Message:
    readings = tuple(dataclasses.replace(reading, fault=reading.fault or "resend") for reading in message.readings)
    return dataclasses.replace(message, readings=readings, reconnect=True)


def _sent(reading: Planned, index: int) -> SentReading:
    return SentReading(
        content=reading.content,
        index=index,
        boot=reading.boot,
        seq=reading.seq,
        ts_ms=reading.ts_ms,
        event_id=reading.event_id,
        values=reading.values if reading.fate in (SILVER, CONFLICT, REFUSED) else None,
        fault=reading.fault,
        fate=reading.fate,
    )
