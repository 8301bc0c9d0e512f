"""The edge of the processes of the laptop's cloud: an error of ours is one line in the log and an exit code."""

import sys
from collections.abc import Callable
from typing import NoReturn

from runtime.disk import says_full, told_full
from runtime.errors import FleetlakeError


def run(main: Callable[[], int | None]) -> NoReturn:
    try:
        sys.exit(main() or 0)
    except FleetlakeError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    except OSError as error:
        if not says_full(error):
            raise
        sys.stderr.write(f"{told_full(error.filename or 'a file of this process')}\n")
        sys.exit(1)
