"""What a read and an update of a shadow cost: ``python -m benchmarks.apis [--calls N] [--rounds N]``.

The laptop's cloud serves the APIs as `fleetlake up` does; requests come over kept connections. CPU is that of whole processes, so that
threads and the event loop are in it. The API's own CPU is that of the same server with AWS's answers from memory; boto3's is what the live
server takes above that; the emulator's stands by itself, and on AWS is nobody's.
"""

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.answers_of_aws import Remembering
from local.files import read_json
from local.supervisor import Supervisor
from local.user_pool import make_administrator
from runtime.platforms import current_platform
from runtime.settings import REPOSITORY, Settings
from services import server
from services.application import parts_of
from services.composition import Services

_CONNECTIONS = 8
_DEVICE = "engine-7"
_PASSWORD = "A-benchmark-has-no-secret-1"
_UPDATE = b'{"state":{"desired":{"rpm":900,"lamp":true},"reported":{"rpm":880}}}'
# The limiter works and never limits.
_NO_LIMIT = 1_000_000
_START_SECONDS = 60.0
_CORES = 2


@dataclass(frozen=True)
class Cost:
    """CPU microseconds a call, and calls a second of wall time."""

    server: float
    emulator: float
    per_second: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--from-memory", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.from_memory:
        _serve_from_memory(asked.from_memory)
        return
    with tempfile.TemporaryDirectory(prefix="fleetlake-apis-") as folder:
        for line in table(Path(folder), asked.calls, asked.rounds):
            print(line, flush=True)


def table(folder: Path, calls: int, rounds: int) -> Iterator[str]:
    """Live and from memory in turn, so that both meet the machine as it is in the same moments; the middle of the rounds."""
    settings = replace(Settings.from_environment(), home=folder / "home", api_user_rate=_NO_LIMIT, api_device_rate=_NO_LIMIT)
    with Supervisor(settings, ("emulator", "api")) as cloud:
        emulator = psutil.Process(cloud.pid("emulator"))
        live = _Load(cloud.endpoints["api_url"], _token(cloud.endpoints["api_url"], settings))
        with _from_memory(settings, folder / "memory") as (url, pid):
            memory = _Load(url, live.token)
            yield "| call | API's own µs | boto3 µs | emulator µs | by the API's own CPU on two cores | as it runs here, all on two cores |"
            yield "|---|---|---|---|---|---|"
            for name, request in (("read a shadow", live.read()), ("update a shadow", live.update())):
                own, whole = [], []
                for _ in range(rounds):
                    own.append(memory.cost(request, calls, psutil.Process(pid), emulator))
                    whole.append(live.cost(request, calls, psutil.Process(cloud.pid("api")), emulator))
                yield _row(name, own, whole)


def _row(name: str, own: list[Cost], whole: list[Cost]) -> str:
    ours = statistics.median(cost.server for cost in own)
    boto3 = statistics.median(cost.server for cost in whole) - ours
    emulator = statistics.median(cost.emulator for cost in whole)
    reached = statistics.median(cost.per_second for cost in whole)
    return f"| {name} | {ours:.0f} | {boto3:.0f} | {emulator:.0f} | {_CORES * 1e6 / ours:,.0f} /s | {reached:,.0f} /s |"


def _token(url: str, settings: Settings) -> str:
    """Of an operator that owns the device, with a role, a grant table to read and a device to look up, as usual calls have."""
    platform = current_platform(settings)
    make_administrator(platform, "bench", "bench@example.com", _PASSWORD)
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        token = str(client.post("/auth/login", json={"user_name": "bench", "password": _PASSWORD}).json()["tokens"]["access_token"])
        headers = {"Authorization": f"Bearer {token}"}
        client.post("/api/v1/devices", json={"device_id": _DEVICE}, headers=headers).raise_for_status()
        client.put(
            f"/devices/{_DEVICE}/shadow", content=_UPDATE, headers={**headers, "Content-Type": "application/json"}
        ).raise_for_status()
    return token


@contextmanager
def _from_memory(settings: Settings, folder: Path) -> Iterator[tuple[str, int]]:
    """Address and pid of a server of the same application whose AWS answers from memory."""
    folder.mkdir()
    environment = dict(os.environ) | settings.environment() | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "benchmarks.apis", "--from-memory", str(folder)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=environment)
    try:
        file, deadline = folder / "run" / "api.json", time.monotonic() + _START_SECONDS
        while (told := read_json(file)) is None:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("apis: the server that answers from memory did not start")
            # Nothing is timed yet: it waits for the other process to say where it listens.
            time.sleep(0.1)
        yield f"http://127.0.0.1:{told['port']}", process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _serve_from_memory(folder: Path) -> None:
    settings = Settings.from_environment()
    remembering = Remembering(current_platform(settings))
    # Its address is told beside the live one's.
    remembering.settings = replace(settings, home=folder)
    server.serve(Services(remembering), parts_of(settings))  # type: ignore[arg-type] # the rest is the platform's own


@dataclass(frozen=True)
class _Load:
    url: str
    token: str

    def read(self) -> bytes:
        return self._request("GET", b"")

    def update(self) -> bytes:
        return self._request("PUT", _UPDATE)

    def _request(self, method: str, body: bytes) -> bytes:
        head = f"{method} /devices/{_DEVICE}/shadow HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {self.token}\r\n"
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"{head}{kind}\r\n".encode() + body

    def cost(self, request: bytes, calls: int, server_process: psutil.Process, emulator: psutil.Process) -> Cost:
        self._send(request, calls // 10)
        watched, before = (server_process, emulator), [_cpu(process) for process in (server_process, emulator)]
        begun = time.monotonic()
        self._send(request, calls)
        seconds = time.monotonic() - begun
        spent = [(_cpu(process) - was) / calls * 1e6 for process, was in zip(watched, before, strict=True)]
        return Cost(spent[0], spent[1], calls / seconds)

    def _send(self, request: bytes, calls: int) -> None:
        """Over some connections at once. Raises SystemExit for an answer that is none of success."""
        share = max(1, calls // _CONNECTIONS)
        failed: list[bytes] = []
        threads = [threading.Thread(target=self._over_one, args=(request, share, failed.append)) for _ in range(_CONNECTIONS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise SystemExit(f"apis: a call was answered with {failed[0][:300]!r}")

    def _over_one(self, request: bytes, calls: int, fail: Callable[[bytes], None]) -> None:
        place = urlsplit(self.url)
        with socket.create_connection((place.hostname or "", place.port or 0)) as connection, connection.makefile("rb") as answers:
            for _ in range(calls):
                connection.sendall(request)
                status, length = answers.readline(), 0
                while (line := answers.readline()) not in (b"\r\n", b""):
                    name, _, value = line.partition(b":")
                    length = int(value) if name.lower() == b"content-length" else length
                body = answers.read(length)
                if b" 200 " not in status:
                    fail(status + body)
                    return


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    main()
