"""The edge of the commands of this package: an error of ours, or of the system, is one line and an exit code."""

import sys
from collections.abc import Callable

from runtime.errors import FleetlakeError


def exit_code(work: Callable[[], None]) -> int:
    """0, or 1 where `work` ended with such an error, which stands on standard error then."""
    try:
        work()
    except (FleetlakeError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
