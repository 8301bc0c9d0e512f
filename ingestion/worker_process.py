"""The worker as a process: its start, its signals, its exit code. Started as ``python -m ingestion.worker``."""

import contextlib
import gc
import os
import signal
import sys
import threading

import pyarrow as pa
from botocore.exceptions import BotoCoreError, ClientError

from ingestion.contract_folder import ContractFolder
from ingestion.error_queue import ErrorQueue
from ingestion.failures import cannot_go_on
from ingestion.intake import Intake
from ingestion.start_check import check
from ingestion.worker import Worker
from runtime import log as logging
from runtime.errors import FleetlakeError
from runtime.metrics import Source
from runtime.platforms import current_platform
from runtime.settings import Settings

# What the error queue's reader has in hand when the worker stops.
_LONGEST_FINISH = 5.0
log = logging.logger("worker")


def main() -> int:
    """The exit code: 0 after SIGTERM, another with a line that says why."""
    try:
        settings = Settings.from_environment()
    except FleetlakeError as error:
        logging.configure()
        log.error(f"start: {error}")
        return error.exit_code
    logging.configure(settings.log_level)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # In a thread: the main one may be about to wait for the same event, with its lock in hand.
        signal.signal(number, lambda *_: threading.Thread(target=stopping.set, daemon=True).start())
    return run(settings, stopping)


def run(settings: Settings, stopping: threading.Event) -> int:
    doing = "start"
    try:
        platform = current_platform(settings)
        check(platform)
        worker = Worker(platform, ContractFolder(settings.contracts_folder), stopping=stopping)
        errors = ErrorQueue(Intake(platform, ContractFolder(settings.contracts_folder), source=Source.ERROR_QUEUE), stopping)
        reading = errors.start()
        _settle()
        doing = "stop"
        worker.run()
        reading.join(_LONGEST_FINISH)
        if errors.why:
            raise errors.why
    except (FleetlakeError, ClientError, BotoCoreError, OSError) as error:
        stopping.set()
        log.error(f"{doing}: {cannot_go_on(error, settings) or error}")
        return error.exit_code if isinstance(error, FleetlakeError) else 1
    return 0


def leave(code: int) -> None:
    """End the process now: a call that hangs in some thread does not hold it back, for all that is to be said is said."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _settle() -> None:
    """Keep what the start made out of every later search for garbage: boto3's models alone take one a tenth of a second."""
    # Arrow loads pandas with its first array.
    pa.array([0])
    gc.collect()
    gc.freeze()
