"""What the demo shows while it runs: the hops, the Airflow runs, the law, the model."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from lake.hops import HopCounter
from local.airflow_client import Run
from local.sending import Progress
from models.catalogue import KINDS
from models.evaluate import NO_ERRORS_YET, evaluate, soonest
from models.registry import Registry
from runtime.errors import ServiceError
from runtime.platforms import Platform

_EVERY_SECONDS = 0.5
_STYLE = {"success": "green", "running": "yellow", "failed": "red", "upstream_failed": "red", "queued": "cyan", "scheduled": "cyan"}


class Hops:
    """A live table of the hops, and of what the fleet has sent."""

    def __init__(self, platform: Platform, truth: Callable[[], Sequence[Path]], live: Live) -> None:
        self._platform = platform
        self._truth = truth
        self._counter = HopCounter(platform, truth())
        self._live = live
        self._shown = 0.0
        self._progress = Progress(planned=0)

    def sent(self, progress: Progress) -> None:
        self._progress = progress
        if time.monotonic() - self._shown >= _EVERY_SECONDS:
            self._shown = time.monotonic()
            self._live.update(self.table())

    def until_drained(self, seconds: float, check: Callable[[], None]) -> None:
        """Until the telemetry queue is empty. Raises ServiceError when it is not within `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            check()
            self._counter = HopCounter(self._platform, self._truth())
            queued = next(hop.readings for hop in self._counter.read() if hop.name == "queued")
            self._live.update(self.table())
            if queued == 0:
                return
            time.sleep(_EVERY_SECONDS)
        raise ServiceError(
            f"the telemetry queue is not empty after {seconds:.0f} s; look at {self._platform.settings.home}/logs/worker.log"
        )

    def table(self) -> Table:
        done = self._progress
        words = f"{done.acknowledged:,} readings acknowledged, {done.refused:,} refused by the broker"
        if done.connected < done.devices:
            words = f"{done.connected} of {done.devices} devices connected"
        table = Table(title=words, title_justify="left", header_style="bold")
        hops = self._counter.read()
        for hop in hops:
            table.add_column(hop.name, justify="right")
        table.add_row(*("?" if hop.readings is None else f"{hop.readings:,}" for hop in hops))
        return table


def runs_table(runs: Sequence[Run]) -> Table:
    """A row a DAG run, its tasks one after the other with their state and seconds."""
    table = Table(header_style="bold")
    table.add_column("DAG")
    table.add_column("state")
    table.add_column("tasks")
    for run in runs:
        tasks = sorted(run.tasks, key=lambda task: _ORDER.index(task.task_id) if task.task_id in _ORDER else len(_ORDER))
        cells = [
            f"[{_STYLE.get(task.state, 'dim')}]{task.task_id}[/]" + (f" {task.seconds:.0f}s" if task.seconds is not None else "")
            for task in tasks
        ]
        table.add_row(run.dag_id, f"[{_STYLE.get(run.state, 'dim')}]{run.state}[/]", " → ".join(cells))
    return table


_ORDER = ["train", "evaluate", "promote"]


def show_model(console: Console, platform: Platform) -> None:
    """Each model's champion: its errors on what it could not know, and the engines most likely to fail next."""
    for name, kind in KINDS.items():
        version = Registry(platform, name).champion()
        if version is None:
            console.print(f"  model {name} has no champion yet")
            continue
        found = evaluate(platform, kind, version)
        console.print(f"  model {name} {version}")
        if found.rmse_capped is None:
            console.print(f"  {NO_ERRORS_YET}")
        else:
            console.print(
                f"  last prediction in each of {found.engines} engine lives that ended in a failure afterwards: RMSE {found.rmse_capped:.1f} {kind.unit} capped at 125, "
                f"{found.rmse_raw:.1f} raw; {found.coverage:.0%} inside the 90 % interval"
            )
        next_to_fail = soonest(platform, kind, version)
        table = Table(title="most likely to fail next", title_justify="left", header_style="bold")
        for heading in ("engine", f"{kind.unit} left", "90 % interval", "as of"):
            table.add_column(heading, justify="left" if heading in ("engine", "as of") else "right")
        for row in next_to_fail.itertuples():
            table.add_row(str(row.device_id), f"{row.score:.0f}", f"{row.lower:.0f} to {row.upper:.0f}", f"{row.at:%Y-%m-%d %H:%M}")
        console.print(table)
