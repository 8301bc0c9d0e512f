"""Writes the named shadow `fleet` of each registered device: ``python -m services.shadow.fleet_shadow``, on Lambda by a schedule ``….handler``.

A pass reads the states of `gold.device_health`, the newest predictions and the time series, and updates what differs from the cached
shadow, so many a second at most. A pass that fails is made up for by the next.
"""

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from lake.catalog import open_catalog
from lake.contracts import sound_contracts
from lake.query import sql
from lake.tables import DEVICE_HEALTH, PREDICTIONS
from runtime import log
from runtime.errors import FleetlakeError
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings
from services.devices.store import DeviceStore
from services.heartbeat import beat
from services.shadow.cache import ShadowCache
from services.shadow.derived import NAME, Life, reported
from services.shadow.restore import restoring

_EVERY_SECONDS = 300
_BEAT_SECONDS = 5.0
# A fleet of 10,000 that comes back at once takes eight minutes, and leaves AWS IoT to the devices.
_A_SECOND = 20

_log = log.logger("fleet-shadow")


@dataclass(frozen=True)
class FleetShadows:
    platform: Platform
    pause: Callable[[float], None] = time.sleep

    def write(self, stopping: Callable[[], bool] = lambda: False) -> int:
        """One pass; how many shadows it changed. Raises ServiceError, or botocore's errors, where something does not answer."""
        data, written = self.platform.client("iot-data"), 0
        for device_id, change in self._changes():
            if stopping():
                break
            data.update_thing_shadow(thingName=device_id, shadowName=NAME, payload=json.dumps({"state": {"reported": change}}))
            written += 1
            self.pause(1 / _A_SECOND)
        return written

    def _changes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        cache, wanted = ShadowCache(self.platform), self.wanted()
        known = cache.get_many(list(wanted), NAME)
        for device_id, document in sorted(wanted.items()):
            cached = known.get(device_id)
            present = (cached.document or {}).get("state", {}).get("reported", {}) if cached else {}
            if change := restoring(present, document):
                yield device_id, change

    def wanted(self) -> dict[str, dict[str, Any]]:
        """What the shadow of each registered device is to report; a device of which nothing is known has none."""
        devices = sorted(device.device_id for device in DeviceStore(self.platform).all())
        health, lives, seen = self._health(), self._lives(), self._seen(devices)
        documents = {name: reported(health.get(name, {}), lives.get(name), seen.get(name)) for name in devices}
        return {name: document for name, document in documents.items() if document}

    def _health(self) -> Mapping[str, dict[str, str]]:
        if not self._has(DEVICE_HEALTH.name):
            return {}
        text = "SELECT device_id, contract, max_by(state, changed_at) FROM gold.device_health WHERE device_id <> '*' GROUP BY 1, 2"
        states: dict[str, dict[str, str]] = {}
        for device_id, contract, state in sql(text, platform=self.platform).rows:
            states.setdefault(device_id, {})[contract] = state
        return states

    def _lives(self) -> Mapping[str, Life]:
        if not self._has(PREDICTIONS.name):
            return {}
        text = (
            'SELECT device_id, score, lower, upper, model, version, "at" FROM (SELECT *, row_number() OVER '
            '(PARTITION BY device_id ORDER BY "at" DESC, version DESC) AS place FROM gold.predictions WHERE score IS NOT NULL) WHERE place = 1'
        )
        return {row[0]: Life(*row[1:]) for row in sql(text, platform=self.platform).rows}

    def _seen(self, devices: list[str]) -> Mapping[str, datetime]:
        seen: dict[str, datetime] = {}
        store = self.platform.time_series()
        for series in sorted(sound_contracts(self.platform.settings.contracts_folder)):
            for device_id, point in store.latest(series, devices).items():
                seen[device_id] = max(seen.get(device_id, point.time), point.time)
        return seen

    def _has(self, table: str) -> bool:
        return open_catalog(self.platform).table_exists(table)


def _pass(shadows: FleetShadows, stopping: Callable[[], bool]) -> None:
    try:
        if written := shadows.write(stopping):
            _log.info(f"named shadow {NAME}: {written} devices' changed")
    except (FleetlakeError, ClientError, BotoCoreError) as error:
        _log.warning(f"write the named shadow {NAME}: {error}; the next pass makes up for it")


def handler(event: object, context: object) -> None:
    """Of Lambda, by a schedule. What fails is raised: Lambda tries an event of a schedule again."""
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    FleetShadows(current_platform(settings)).write()


def main() -> None:
    settings = Settings.from_environment()
    log.configure(settings.log_level)
    shadows, stopping = FleetShadows(current_platform(settings)), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    _run(stopping, partial(beat, settings, "fleet-shadow"), lambda: _pass(shadows, stopping.is_set))


def _run(stopping: threading.Event, tell: Callable[[], None], make_pass: Callable[[], None]) -> None:
    next_pass = time.monotonic()
    while not stopping.is_set():
        tell()
        if time.monotonic() >= next_pass:
            make_pass()
            next_pass = time.monotonic() + _EVERY_SECONDS
        stopping.wait(_BEAT_SECONDS)


if __name__ == "__main__":
    main()
