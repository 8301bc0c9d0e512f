"""`fleetlake demo`: the whole journey once on simulated devices, stage by stage, ending by itself.

Two slices of simulated days. The first goes through all pipelines and a model is trained on it; of the second, turbofans and
their maintenance, the engines are scored before the failures are published, so that the model is measured on what it could
not know. Each demo has a fleet of its own, so a second one keeps the lake and adds to it.
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live

from lake.contracts import sound_contracts
from lake.hops import truth_files
from lake.law import Verdict, verify
from local import demo_tables, surroundings
from local.airflow_client import Airflow, Run
from local.report import write_report
from local.simulator.fault_kinds import every_fault
from local.simulator.fleet import Progress, simulate
from local.simulator.plan import Plan
from local.supervisor import Supervisor
from runtime.errors import JobError, ServiceError, UserError
from runtime.platforms import Platform, current_platform
from runtime.settings import Settings

FIRST_DAYS, SECOND_DAYS = 5, 2
FLEET = {"turbofan": 20, "pump": 3, "environment": 2}
FAULTS_SHARE = 0.01
_TRAINED_ON = ("turbofan", "maintenance")
_RUN_SECONDS = 600.0
_DRAIN_SECONDS = 120.0


@dataclass(frozen=True)
class Told:
    """What the demo ends with."""

    report: Path
    verdict: Verdict


@dataclass
class Demo:
    settings: Settings
    console: Console
    stage_number: int = 0

    def run(self, show_law: Callable[[Verdict], None]) -> Told:
        """Raises JobError where a DAG run fails, LawBroken where the law does not hold, ServiceError where a part crashes."""
        surroundings.check_platform(self.settings)
        self.stage("the laptop's cloud: emulator, worker, Airflow")
        with Supervisor(self.settings, say=self._say, schedules=False, by="`fleetlake demo`") as cloud:
            platform, airflow = current_platform(self.settings), Airflow.of(self.settings)
            _Journey(self, platform, airflow, cloud).travel()
            self.stage("the law: every reading that was acknowledged is in exactly one place")
            verdict = verify(platform, truth_files(self.settings.home), wait_seconds=15)
            show_law(verdict)
            verdict.check()
            self.stage("the report")
            report = write_report(platform, truth_files(self.settings.home))
            self.console.print(f"  {report}", soft_wrap=True)
            self.stage("stopping the laptop's cloud; the lake stays")
        return Told(report, verdict)

    def _say(self, sentence: str) -> None:
        self.console.print(f"  {sentence}", style="dim")

    def stage(self, words: str) -> None:
        self.stage_number += 1
        self.console.rule(f"[bold]{self.stage_number}. {words}", align="left")


def free_until(now: datetime, truth: Sequence[Path]) -> datetime:
    """`now`, or a day before the oldest simulated slice: a fleet that ended in the middle of another one's days would look to
    the quality gate like a part of one fleet that fell silent."""
    starts = [datetime.fromisoformat(plan["start"]) for plan in _plans(truth) if plan.get("start")]
    return min([now, *(start - timedelta(hours=25) for start in starts)])


def fleet_number(truth: Sequence[Path]) -> int:
    """One above that of every fleet that was sent, whether its demo came to its end or not."""
    numbers = [_number_of(str(plan.get("prefix") or "")) for plan in _plans(truth)]
    return max(numbers, default=0) + 1


def fleet_prefix(number: int) -> str:
    """What the device ids of a demo's fleet begin with."""
    return f"fleet{number}-" if number > 1 else ""


def _number_of(prefix: str) -> int:
    found = re.fullmatch(r"fleet([0-9]+)-", prefix)
    return int(found[1]) if found else 1


def _plans(truth: Sequence[Path]) -> list[dict[str, Any]]:
    """What the runs were asked for; of a run whose first line was cut short, nothing. Raises UserError for a file that is no truth file."""
    return [_plan(file, line) for file in truth if (line := _first_line(file)).endswith(b"\n")]


def _first_line(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.readline()


def _plan(file: Path, line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line).get("plan", {}))
    except (ValueError, TypeError, AttributeError):
        # Said now: the law would refuse the file minutes later.
        raise UserError(f"truth {file}: line 1 is not what the simulator writes; move the file out of {file.parent}") from None


@dataclass
class _Journey:
    demo: Demo
    platform: Platform
    airflow: Airflow
    cloud: Supervisor

    def travel(self) -> None:
        settings = self.demo.settings
        now = free_until(datetime.now(UTC).replace(second=0, microsecond=0), truth_files(settings.home))
        middle, start = now - timedelta(days=SECOND_DAYS), now - timedelta(days=SECOND_DAYS + FIRST_DAYS)
        # A fleet of its own for each demo.
        number = fleet_number(truth_files(settings.home))
        plan = Plan(FLEET, start, middle, seed=number, faults=every_fault(FAULTS_SHARE), prefix=fleet_prefix(number))

        self.demo.stage(f"{sum(FLEET.values())} devices connect with their own certificates and send {FIRST_DAYS} days")
        self._send(plan)
        self.demo.stage("Airflow: bronze → silver → quality gate → gold → features")
        trained_before = self._known("train_rul")
        # First those whose new data sets off the training: it begins while the others' are still at work.
        names = sorted(sound_contracts(settings.contracts_folder), key=lambda name: name not in _TRAINED_ON)
        self._pipelines([f"pipeline_{name}" for name in names])
        self.demo.stage("Airflow: train the remaining-useful-life model on what the lake knows now")
        self._follow({"train_rul": self._next("train_rul", trained_before)})

        self.demo.stage(f"the engines send {SECOND_DAYS} days more, and are scored before their failures show")
        self._send(replace(plan, devices={"turbofan": FLEET["turbofan"]}, start=middle, end=now, born=start))
        scored_before = self._known("score_turbofan")
        self._pipelines(["pipeline_turbofan"])
        self._follow({"score_turbofan": self._next("score_turbofan", scored_before)})
        self._pipelines(["pipeline_maintenance"])
        self.demo.stage("the model's errors, and the engines most likely to fail next")
        demo_tables.show_model(self.demo.console, self.platform)

    def _send(self, plan: Plan) -> None:
        with Live(console=self.demo.console, refresh_per_second=4, transient=True) as live:
            watched = demo_tables.Hops(self.platform, lambda: truth_files(self.demo.settings.home), live)
            simulate(self.platform, plan, progress=self._watching(watched))
            watched.until_drained(_DRAIN_SECONDS, self.cloud.check)
        self.demo.console.print(watched.table())

    def _watching(self, watched: "demo_tables.Hops") -> Callable[[Progress], None]:
        def watch(progress: Progress) -> None:
            self.cloud.check()
            watched.sent(progress)

        return watch

    def _pipelines(self, dag_ids: Sequence[str]) -> None:
        self._follow({dag_id: self.airflow.trigger(dag_id) for dag_id in dag_ids})

    def _follow(self, runs: dict[str, str]) -> None:
        """Watch runs to their end. Raises JobError with the last lines of the log of a task that failed."""
        found: dict[str, Run] = {}
        with Live(console=self.demo.console, refresh_per_second=4, transient=True) as live:

            def watch(run: Run) -> None:
                self.cloud.check()
                found[run.dag_id] = run
                live.update(demo_tables.runs_table(list(found.values())))

            for dag_id, run_id in runs.items():
                watch(self.airflow.run(dag_id, run_id))
            for dag_id, run_id in runs.items():
                self.airflow.wait(dag_id, run_id, _RUN_SECONDS, watch)
        self.demo.console.print(demo_tables.runs_table(list(found.values())))
        for run in found.values():
            if run.state != "success":
                raise JobError(self._why(run))

    def _why(self, run: Run) -> str:
        failed = next((task for task in run.tasks if task.state == "failed"), None)
        if failed is None:
            return f"run {run.run_id} of {run.dag_id} is {run.state}"
        lines = self.airflow.log(run.dag_id, run.run_id, failed.task_id, failed.try_number).strip().splitlines()
        return f"task {failed.task_id} of {run.dag_id} failed; the end of its log:\n" + "\n".join(lines[-12:])

    def _known(self, dag_id: str) -> set[str]:
        self.airflow.wait_for_dag(dag_id)
        return set(self.airflow.run_ids(dag_id))

    def _next(self, dag_id: str, before: set[str]) -> str:
        """The run that assets start; they do so within seconds. Raises ServiceError where none comes."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            new = [run_id for run_id in self.airflow.run_ids(dag_id) if run_id not in before]
            if new:
                return new[0]
            self.cloud.check()
            time.sleep(0.5)
        raise ServiceError(f"Airflow: {dag_id} was not started by its assets within 60 s; look at it in the UI")
