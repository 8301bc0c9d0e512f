"""Truth files written by hand, line by line in the format that local/truth.py documents."""

import base64
import json
from pathlib import Path
from typing import Any

from lake.contracts import Contract


class HandTruth:
    """Readings are given as the typed rows of a lake; what a device sent of them is made here as its JSON."""

    def __init__(self, file: Path, run: str = "t1") -> None:
        self.file, self.run, self.messages = file, run, 0
        file.parent.mkdir(parents=True, exist_ok=True)
        self._line(kind="run", format=1, run=run, started_at="2026-03-01T12:00:00.000+00:00", plan={})

    def sent(
        self,
        *rows: dict[str, Any],
        acknowledged: bool = True,
        fate: str = "silver",
        fault: str | None = None,
        contract: Contract | None = None,
    ) -> str:
        """One message with a reading for each row, by default of the contract `boiler`; its id."""
        known = [field.name for field in contract.fields] if contract else ["water", "starts", "burning", "mode", "extra"]
        message = self._message()
        for index, row in enumerate(rows):
            values = {name: row[name] for name in row if name in known}
            reading = {"ts": int(row["event_time"].timestamp() * 1000), "seq": row["seq"]} | values
            self._reading(
                message,
                row["device_id"],
                index,
                json.dumps(reading).encode(),
                fate,
                fault,
                contract.name if contract else "boiler",
                boot=row["boot"],
                seq=row["seq"],
                ts_ms=reading["ts"],
                event_id=row["event_id"],
                values=values,
            )
        if acknowledged:
            self.answered(message)
        return message

    def sent_bytes(
        self,
        content: bytes,
        *,
        fate: str,
        device: str = "b-1",
        index: int | None = 0,
        contract: str = "boiler",
        fault: str | None = None,
        acknowledged: bool = True,
        **known: Any,
    ) -> str:
        message = self._message()
        self._reading(message, device, index, content, fate, fault, contract, **known)
        if acknowledged:
            self.answered(message)
        return message

    def answered(self, message: str, result: str = "acknowledged") -> None:
        self._line(kind="ack", message=message, result=result, reason=None, at="2026-03-01T12:00:01.000+00:00")

    def _message(self) -> str:
        self.messages += 1
        return f"{self.run}:{self.messages - 1}"

    def _reading(
        self,
        message: str,
        device: str,
        index: int | None,
        content: bytes,
        fate: str,
        fault: str | None,
        contract: str = "boiler",
        **known: Any,
    ) -> None:
        unknown = {"boot": None, "seq": None, "ts_ms": None, "event_id": None, "values": None}
        self._line(
            kind="reading",
            message=message,
            topic=f"dt/fleetlake/{device}/{contract}",
            device_id=device,
            contract=contract,
            client_id=device,
            index=index,
            bytes=base64.b64encode(content).decode(),
            fault=fault,
            fate=fate,
            sent_at="2026-03-01T12:00:00.500+00:00",
            **(unknown | known),
        )

    def _line(self, **line: Any) -> None:
        with self.file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")
