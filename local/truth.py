"""The truth file: what devices sent, written before it is sent, so that the lake can be held against it.

A truth file is JSON lines, one file for each run of `simulate` or `replay`, by default ``{home}/truth/{run}.jsonl``.
Every line is whole and flushed to the system before the message it is about goes out; a last line that is cut short
(the machine died) is to be skipped. Each line has ``kind``:

``run``      first line. ``format`` (1), ``run`` (unique), ``started_at``, ``plan`` (object: what was asked for; its
    ``unsent`` counts the readings that a fault of silence kept from being sent: they have no line).
``reading``  one *sent* reading, or one unsplittable message as a whole. Sent twice, it has two lines.
    ``message``   id of the message it travelled in (``{run}:{n}``), by which acknowledgements refer to it
    ``topic``     as a rule sees it (without Basic Ingest's prefix); ``device_id`` and ``contract`` are the topic's
    ``client_id`` the device that published it; another than ``device_id`` only for the fault ``foreign_topic``
    ``index``     place in the pack, from 0; null: the line is about the whole message, which cannot be split
    ``bytes``     base64 of the reading's exact bytes in the pack (of the whole payload where ``index`` is null)
    ``boot``, ``seq``, ``ts_ms``  as sent (integers); null where it has none or they cannot be read
    ``event_id``  its identity by boot and seq; null where it has none. A quarantined reading may have one.
    ``values``    object: the reading's members without ts, boot, seq and device_id, as sent (a field the contract does not
                  know too); null where the fate is a quarantine
    ``fault``     name of the fault put into it (`local.simulator.faults`), or null
    ``fate``      where it must end when nothing is held:
                  ``silver``               visible there, once whatever number of lines has its event_id and values
                  ``quarantine:{reason}``  reason as in `lake.reasons`; quarantine id = SHA-256 over topic, index, bytes
                  ``conflict``             its event_id was sent with other values before: of all values of an event_id
                                           that were sent (those of the ``silver`` line too) one, any, is in silver, and each
                                           other one is in quarantine as event_id_conflict
                  ``refused``              the broker must refuse the publish, and nothing of it may be anywhere
    ``sent_at``   wall clock, ISO 8601 UTC
``ack``      ``message``, ``result`` (``acknowledged``: the PUBACK says success; ``refused``), ``reason`` (the broker's word where
             refused, or null), ``at``. A message without such a line was sent but not acknowledged: it may have arrived or not.
``end``      last line of a run that came to its end: ``messages``, ``readings``, ``acknowledged`` (readings), ``refused`` (readings), ``at``.

`sent` in the law counts the readings whose message has an ``ack`` line with ``acknowledged``. The same reading acknowledged in
one message and not in another was sent.
"""

import base64
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import orjson

from local.message import Message, SentReading
from runtime.clock import Clock, SystemClock
from runtime.errors import UserError

FORMAT = 1


def new_run() -> str:
    """Name of a run and of its truth file: when it began, and a random part."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}"


def truth_file(home: Path, run: str) -> Path:
    """The place of a run's truth file where nobody names another."""
    return home / "truth" / f"{run}.jsonl"


class Truth:
    """Writes one truth file; safe for the threads of many devices."""

    def __init__(self, file: Path, run: str, plan: Mapping[str, Any], clock: Clock | None = None) -> None:
        self.file = file
        self.run = run
        self.messages = self.readings = self.acknowledged = self.refused = 0
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}
        if file.exists():
            raise UserError(f"truth file {file}: it is there already, and what was sent is never written over; name another")
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._stream = file.open("xb", buffering=0)
        except OSError as error:
            raise UserError(f"truth file {file}: cannot be written: {error.strerror}") from None
        self._write([{"kind": "run", "format": FORMAT, "run": run, "started_at": self._now(), "plan": dict(plan)}])

    def sending(self, message: Message, topic: str) -> str:
        """Write every reading of the message down; its id, for `acknowledge` or `refuse`. Call it before the publish."""
        with self._lock:
            message_id = f"{self.run}:{self.messages}"
            now = self._now()
            self._write([_line(message, reading, message_id, topic, now) for reading in message.readings])
            self._open[message_id] = len(message.readings)
            self.messages += 1
            self.readings += len(message.readings)
        return message_id

    def acknowledge(self, message_id: str) -> None:
        with self._lock:
            self.acknowledged += self._answered(message_id, "acknowledged", None)

    def refuse(self, message_id: str, reason: str) -> None:
        with self._lock:
            self.refused += self._answered(message_id, "refused", reason)

    def _answered(self, message_id: str, result: str, reason: str | None) -> int:
        """The number of readings answered now; a second answer to a message counts for none."""
        self._write([{"kind": "ack", "message": message_id, "result": result, "reason": reason, "at": self._now()}])
        return self._open.pop(message_id, 0)

    def end(self) -> None:
        with self._lock:
            counts = {"messages": self.messages, "readings": self.readings, "acknowledged": self.acknowledged, "refused": self.refused}
            self._write([{"kind": "end", **counts, "at": self._now()}])

    def __enter__(self) -> "Truth":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """A run that an error ends has no `end` line."""
        if kind is None:
            self.end()
        with self._lock:
            self._stream.close()

    def _write(self, lines: list[dict[str, Any]]) -> None:
        if self._stream.closed:
            return  # an answer that came after the end changes nothing: its message counts as not acknowledged
        content = memoryview(b"".join(orjson.dumps(line) + b"\n" for line in lines))
        try:
            while content:
                content = content[self._stream.write(content) :]
        except OSError as error:
            # Of an open file the error does not say which.
            raise OSError(error.errno, error.strerror, str(self.file)) from error

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _line(message: Message, reading: SentReading, message_id: str, topic: str, sent_at: str) -> dict[str, Any]:
    return {
        "kind": "reading",
        "message": message_id,
        "topic": topic,
        "device_id": message.topic_device,
        "contract": message.contract,
        "client_id": message.device_id,
        "index": reading.index,
        "bytes": base64.b64encode(reading.content).decode(),
        "boot": reading.boot,
        "seq": reading.seq,
        "ts_ms": reading.ts_ms,
        "event_id": reading.event_id,
        "values": reading.values,
        "fault": reading.fault,
        "fate": reading.fate,
        "sent_at": sent_at,
    }
