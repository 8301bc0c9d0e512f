"""Whether a process that writes its state once a second still does so: ``python -m runtime.heartbeat NAME`` exits 0 or 1, as a container asks."""

import json
import sys
import time

from runtime.settings import Settings

# It is written also while a process waits for S3 or its queue; it is as alive then.
LONGEST_SILENCE = 60.0


def silence(settings: Settings, name: str, longest: float = LONGEST_SILENCE) -> str | None:
    """None while ``{home}/run/{name}.json`` is younger than `longest` seconds, else what is wrong, in a few words. Raises OSError."""
    file = settings.home / "run" / f"{name}.json"
    try:
        state = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        return "it has not written its state yet"
    if state.get("ended"):
        return "it has ended"
    silent = time.time() - file.stat().st_mtime
    return None if silent < longest else f"it has not written its state for {silent:.0f} s"


def main(name: str) -> int:
    wrong = silence(Settings.from_environment(), name)
    if wrong:
        sys.stderr.write(f"{name}: {wrong}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
