"""A worker that kills itself with SIGKILL: ``python -m tests.ingestion.killed_worker BOUNDARY [TIMES]``.

It dies when it has passed the boundary so many times (once, when not given), in the midst of its work, as a machine would.
"""

import os
import signal
import sys
import threading

from ingestion.contract_folder import ContractFolder
from ingestion.worker import BOUNDARIES, Worker
from runtime import log
from runtime.platforms import current_platform
from runtime.settings import Settings


def main(boundary: str, times: int = 1) -> None:
    assert boundary in BOUNDARIES
    left = [times]

    def die_at(name: str) -> None:
        left[0] -= name == boundary
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    settings = Settings.from_environment()
    log.configure(settings.log_level)
    worker = Worker(current_platform(settings), ContractFolder(settings.contracts_folder), boundary=die_at)
    # In a thread: the main one waits for the same event.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=worker.stopping.set).start())
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1], *(int(times) for times in sys.argv[2:3]))
