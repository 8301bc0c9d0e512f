"""The processes that lake queries run in: what becomes of one that dies, and of those that nobody waits for."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.problems import ApiError
from services.telemetry.worker import Limits
from tests.services.telemetry.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class Deadly(str):
    """A text that ends the process which unpickles it."""

    def __new__(cls, doing: Callable[..., Any], *arguments: Any) -> "Deadly":
        made = super().__new__(cls, "SELECT 1")
        made.__dict__["end"] = (doing, arguments)
        return made

    def __reduce__(self) -> Any:
        return self.__dict__["end"]


def kill_myself(number: int) -> None:
    os.kill(os.getpid(), number)
    # A signal that is handled, or comes late, ends it all the same.
    time.sleep(60)


@pytest.mark.parametrize(
    ("end", "status", "code"),
    [
        (Deadly(kill_myself, signal.SIGKILL), 413, "LimitExceededException"),
        (Deadly(kill_myself, signal.SIGSEGV), 413, "LimitExceededException"),
        (Deadly(kill_myself, signal.SIGXCPU), 408, "QueryTimeoutException"),
        (Deadly(os._exit, 3), 500, "InternalFailureException"),
    ],
)
def test_a_process_that_dies_is_told_and_the_next_answers(world: World, end: Deadly, status: int, code: str) -> None:
    sandbox = world.services.telemetry.lake.sandbox
    with pytest.raises(ApiError) as told:
        sandbox.ask(world.job(end), "otto")
    assert (told.value.status, told.value.code) == (status, code)
    assert world.ask("SELECT 42").json()["rows"] == [[42]]


def test_a_process_that_hangs_before_its_own_clock_runs_is_killed(world: World) -> None:
    sandbox = world.services.telemetry.lake.sandbox
    with pytest.raises(ApiError) as told:
        sandbox.ask(world.job(Deadly(time.sleep, 60), limits=Limits(seconds=0.5)), "otto")
    assert (told.value.status, told.value.code) == (408, "QueryTimeoutException")
    assert world.ask("SELECT 42").json()["rows"] == [[42]]


def test_no_process_is_left_behind(world: World) -> None:
    world.services.telemetry.lake.limits = Limits(seconds=1)
    world.ask("SELECT 1")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    assert world.ask("SELECT sum(hash(r)) FROM range(1000000000000) t(r)").status_code == 408
    assert world.ask("SELECT error('x')").status_code == 400
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before


def test_where_the_server_that_forks_is_killed_another_takes_its_place(world: World) -> None:
    world.ask("SELECT 1")
    for child in psutil.Process().children():
        if any("forkserver" in word for word in child.cmdline()):
            child.kill()
            # Not reaped: that is the business of who started it.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    statuses = [world.ask("SELECT 1").status_code for _ in range(2)]
    assert statuses[-1] == 200
    assert set(statuses) <= {200, 503}
