"""Where the `fleetlake` script begins: nothing heavy is imported before Ctrl-C has an answer."""

import os
import sys

INTERRUPTED = "interrupted; what was acknowledged is kept, and the same command can be run again"


def speak_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale would have another encoding: words and files here are UTF-8."""
    if not sys.flags.utf8_mode and sys.getfilesystemencoding() != "utf-8":
        os.execve(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]], {**os.environ, "PYTHONUTF8": "1"})


def main() -> None:
    speak_utf8()
    try:
        from cli.main import main as begin
    except KeyboardInterrupt:
        print(f"fleetlake: {INTERRUPTED}", file=sys.stderr)
        sys.exit(1)
    # Outside the try: from here on cli/main.py answers Ctrl-C itself, with a traceback for --debug.
    begin()
