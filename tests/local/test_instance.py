"""One laptop's cloud for each home, and a home that cannot be one."""

import threading
from pathlib import Path

import pytest

from local.instance import Instance
from runtime.errors import SetupError


@pytest.mark.parametrize(("home", "reason"), [("/proc/x", "No such file or directory"), ("/dev/null/x", "Not a directory")])
def test_a_home_that_cannot_be_written_is_refused_with_what_to_set(home: str, reason: str) -> None:
    with pytest.raises(SetupError) as caught:
        Instance(Path(home)).claim()
    assert str(caught.value) == f"laptop's cloud in {home}: {reason}; set FLEETLAKE_HOME to a folder you can write"


def test_a_start_waits_for_one_that_stops(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    first.claim()
    first.tell(state="stopping")
    # Later than it would wait for one that runs.
    threading.Timer(1.0, first.release).start()
    second.claim()
    assert second.is_claimed()
    second.release()
