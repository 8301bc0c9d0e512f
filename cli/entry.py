"""Where the `fleetlake` script begins: nothing heavy is imported before Ctrl-C has an answer."""

import sys

INTERRUPTED = "interrupted; what was acknowledged is kept, and the same command can be run again"


def main() -> None:
    try:
        from cli.main import main as begin
    except KeyboardInterrupt:
        print(f"fleetlake: {INTERRUPTED}", file=sys.stderr)
        sys.exit(1)
    # Outside the try: from here on cli/main.py answers Ctrl-C itself, with a traceback for --debug.
    begin()
