"""Runs a case: its traffic into the stand-in, one or two workers through their proxies, a healthy one to the end, the checker."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from ingestion.contract_folder import ContractFolder
from ingestion.failures import CannotGoOn
from ingestion.retry import Patience
from ingestion.worker import Worker
from runtime.clock import Clock as PortClock
from runtime.local import LocalPlatform
from runtime.settings import Settings
from tests.faults.cases import Case, Clock, Phase
from tests.faults.checker import Finding, check
from tests.faults.proxy import Fault, Kind, Proxy
from tests.faults.stand_in import StandIn
from tests.faults.traffic import Traffic, contracts_in

VISIBILITY_SECONDS = 1
# A worker that tries again at once: the pauses are those of the code, a hundredth as long.
_PATIENCE = Patience(budget=20.0, first=0.005, longest=0.05)
_LONGEST_CASE = 15.0
_STOPPED_WITHIN = 0.5


class Died(SystemExit):
    """A worker's thread ends here, as if its process had been killed."""


class _Platform(LocalPlatform):
    """botocore's own retries would hide the fault, or wait seconds for it."""

    def _make_client(self, service: str) -> Any:
        return boto3.client(
            service,
            region_name=self.settings.region,
            endpoint_url=self.aws_endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, s3={"addressing_style": "path"}),
        )


@dataclass
class _SkewedClock:
    kind: Clock
    moment: datetime = datetime(2026, 9, 21, 17, 30, tzinfo=UTC)
    looks: int = 0

    def now(self) -> datetime:
        self.looks += 1
        # A second later at each look: what depends on the clock shows.
        step = timedelta(hours=-1) if self.kind is Clock.BACKWARDS else timedelta(seconds=1)
        ahead = timedelta(days=3650) if self.kind is Clock.AHEAD else timedelta()
        return self.moment + ahead + step * self.looks


@dataclass
class Lane:
    """What cases that run one after another share: two proxies, and a platform behind each with its clients."""

    folder: Path
    proxies: list[Proxy] = field(default_factory=list)
    platforms: list[_Platform] = field(default_factory=list)
    number: int = 0

    def again(self, home: Path, seed: int, calls: int) -> None:
        settings = replace(
            Settings(),
            home=home,
            contracts_folder=self.folder / "contracts",
            visibility_seconds=VISIBILITY_SECONDS,
            batch_readings=20,
            batch_seconds=0.05,
            receive_calls=calls,
        )
        for proxy, platform in zip(self.proxies, self.platforms, strict=True):
            platform.settings = replace(settings, aws_endpoint=proxy.endpoint)
            platform.__dict__.pop("_time_series", None)
            proxy.seed = seed


@contextmanager
def lane(folder: Path) -> Iterator[Lane]:
    contracts_in(folder / "contracts")
    proxies = [Proxy(StandIn()) for _ in range(2)]
    made = Lane(folder, proxies, [_Platform(replace(Settings(), aws_endpoint=proxy.endpoint)) for proxy in proxies])
    try:
        yield made
    finally:
        for proxy in proxies:
            proxy.close()


@dataclass
class Outcome:
    """`fired`: faults that happened; `passed`: boundaries by how often; `ended`: the line that a worker ended with."""

    finding: Finding
    fired: int
    passed: Counter[str]
    ended: str
    redelivered: int
    dead: int
    left: int

    def wrong(self, case: Case) -> list[str]:
        """What is not as the case says; empty where all is well."""
        wrong = [f"{name}: {count}" for name, count in self.finding.breaches.items()]
        if self.fired < 1:
            wrong.append("its fault never fired")
        if case.boundary and self.passed[case.boundary] < case.hit:
            wrong.append(f"{case.boundary} was passed {self.passed[case.boundary]} times, not {case.hit}")
        if case.ends not in self.ended or bool(case.ends) != bool(self.ended):
            wrong.append(f"the worker ended with {self.ended!r}, not with {case.ends!r}")
        if case.once_each and self.redelivered:
            wrong.append(f"{self.redelivered} messages came again, and none had to")
        if self.dead or self.left:
            wrong.append(f"{self.left} messages are left in the queue, {self.dead} dead")
        return wrong


def run(case: Case, lane: Lane, seed: int = 0) -> Outcome:
    random.seed(f"{case.name}/{seed}")
    lane.number += 1
    home = lane.folder / str(lane.number)
    home.mkdir()
    lane.again(home, seed, case.calls)
    return _Run(case, lane, home, seed).run()


class _Run:
    def __init__(self, case: Case, lane: Lane, home: Path, seed: int) -> None:
        self.case, self.lane, self.home = case, lane, home
        self.stand_in = StandIn(seed)
        self.traffic = Traffic(messages=case.messages, pack=3, poison=case.poison)
        self.faults = case.armed()
        self.clock: PortClock = _SkewedClock(case.clock)
        self.passed: Counter[str] = Counter()
        self.ended = ""
        self._lock = threading.Lock()

    def run(self) -> Outcome:
        truth = self.home / "truth.jsonl"
        self.traffic.write_truth(truth)
        for text in self.traffic.bodies():
            self.stand_in.send(text)
        self._with_faults()
        # Of a death at a boundary that is the fault; a slow call beside it only makes the boundary be passed.
        died = int(self.passed[self.case.boundary] >= self.case.hit)
        fired = died if self.case.boundary else min(fault.fired for fault in self.faults)
        redelivered = self.stand_in.redelivered
        self._healthy()
        self._write_objects()
        dead, left = len(self.stand_in.dead), len(self.stand_in.left())
        finding = check(truth, self.home / "lake", self.stand_in.dead)
        return Outcome(finding, fired, self.passed, self.ended, redelivered, dead, left)

    def _with_faults(self) -> None:
        """Until all is delivered, the worker is dead or has ended, or, where the case stops it, has stopped."""
        late = self.case.phase is Phase.STOPPING
        first, second = self.lane.proxies
        # The first put takes until the worker was told to stop: what follows is the first call after that.
        holding = [Fault(Kind.SLOW, "put_bronze", seconds=_STOPPED_WITHIN)]
        first.again(self.stand_in, holding if late and not self.case.boundary else self.faults)
        second.again(self.stand_in, [])
        workers = [self._worker(0, watched=True)]
        if self.case.phase is Phase.TWO_WORKERS:
            workers.append(self._worker(1, watched=False))
        threads = [self._start(worker) for worker in workers]
        if late:
            # A worker that is stopped before it writes anything gives all of it back, and the fault has nothing to befall.
            assert self.stand_in.wait(lambda: first.faults[0].fired > 0 and first.done["receive"] > max(1, self.case.hit), _LONGEST_CASE)
            if not self.case.boundary:
                first.faults = self.faults
            workers[0].stopping.set()
        over = self.stand_in.wait(lambda: self._is_over(first, threads), _LONGEST_CASE)
        if self.case.kills and self.case.phase is Phase.TWO_WORKERS:
            self.stand_in.advance(VISIBILITY_SECONDS)
            over = self.stand_in.wait(lambda: not self.stand_in.left(), _LONGEST_CASE)
        for worker, thread in zip(workers, threads, strict=True):
            worker.stopping.set()
            thread.join(_LONGEST_CASE)
            assert not thread.is_alive(), f"{self.case.name}: the worker does not end"
        assert over, f"{self.case.name}: not over after {_LONGEST_CASE} s, {len(self.stand_in.left())} messages left"

    def _is_over(self, proxy: Proxy, threads: list[threading.Thread]) -> bool:
        return proxy.cut.is_set() or not threads[0].is_alive() or not self.stand_in.left()

    def _healthy(self) -> None:
        """A sound worker after a while: it finds whatever is left."""
        self.stand_in.advance(VISIBILITY_SECONDS)
        first = self.lane.proxies[0]
        first.again(self.stand_in, [])
        worker = self._worker(0, watched=False)
        thread = self._start(worker)
        self.stand_in.wait(lambda: not self.stand_in.left(), _LONGEST_CASE)
        worker.stopping.set()
        thread.join(_LONGEST_CASE)

    def _worker(self, place: int, *, watched: bool) -> Worker:
        platform = self.lane.platforms[place]
        boundary = self._boundary if watched else (lambda name: None)
        return Worker(platform, ContractFolder(self.lane.folder / "contracts"), self.clock, boundary, patience=_PATIENCE)

    def _start(self, worker: Worker) -> threading.Thread:
        def live() -> None:
            try:
                worker.run()
            except CannotGoOn as error:
                self.ended = str(error)
            except Died:
                return
            except Exception as error:  # noqa: BLE001 - what no case foresees is a failure of the case, not of a thread
                self.ended = f"unexpected: {error!r}"

        thread = threading.Thread(target=live, name=f"worker of {self.case.name}", daemon=True)
        thread.start()
        return thread

    def _boundary(self, name: str) -> None:
        with self._lock:
            self.passed[name] += 1
            dies = name == self.case.boundary and self.passed[name] == self.case.hit
        if dies:
            # From here on nothing of this worker arrives anywhere.
            self.lane.proxies[0].cut.set()
            raise Died(name)

    def _write_objects(self) -> None:
        for key, content in self.stand_in.objects.items():
            file = self.home / "lake" / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
