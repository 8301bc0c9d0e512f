"""Runs a command that dies with the process that started it: ``python -S tether.py PARENT SIGNAL COMMAND…``.

It asks the kernel for SIGNAL at its parent's death (PR_SET_PDEATHSIG) and becomes COMMAND, which keeps that wish. A file of
its own without imports of the project: it costs 15 ms, and runs between fork and exec where a hook in the parent would not be
safe beside threads. Linux only; elsewhere it just becomes COMMAND, and what is left is found by the supervisor's next start.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, number: int, command: list[str]) -> None:
    die_with_parent(number)
    if os.getppid() != parent:
        raise SystemExit(f"{command[0]}: not started, the process that wanted it is gone")
    # Python ignores SIGINT in a child started in the background; the command must hear it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.execvp(command[0], command)


def die_with_parent(number: int) -> None:
    """Get signal `number` when the thread that started this process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
