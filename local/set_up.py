"""Set-up of a checkout, run by `make` with the machine's own Python: environment, libraries, Java, Iceberg's jars.

Standard library only. Each step says what it does and how long it took; run again, it does what is left.
"""

import os
import shutil
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"
READY = VENV / ".ready"
LOCKS = ROOT / "requirements"
GIB_NEEDED = 4


class SetUpFailed(Exception):
    pass


def main() -> int:
    steps: list[tuple[str, Callable[[], None]]] = [
        ("virtual environment in .venv", make_environment),
        ("uv, the installer", install_uv),
        ("libraries of requirements/dev.lock, by hash", install_libraries),
        ("the fleetlake command", install_fleetlake),
        ("Java for Spark", find_java),
        ("Iceberg's jars, by sha256", fetch_jars),
        ("Spark's classes as an archive, for quicker jobs", archive_classes),
    ]
    try:
        check_disk()
        for number, (what, step) in enumerate(steps, 1):
            started = time.monotonic()
            print(f"set-up {number}/{len(steps)}: {what} … ", end="", flush=True)  # noqa: T201
            step()
            print(f"{time.monotonic() - started:.0f} s", flush=True)  # noqa: T201
    except SetUpFailed as failure:
        print(f"\nfleetlake set-up: {failure}", file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        print("\nfleetlake set-up: interrupted; run the same command again to go on", file=sys.stderr)  # noqa: T201
        return 1
    READY.touch()
    return 0


def check_disk() -> None:
    free = shutil.disk_usage(ROOT).free / 2**30
    if free < GIB_NEEDED and not READY.exists():
        raise SetUpFailed(f"{ROOT}: {free:.1f} GiB free on this disk, {GIB_NEEDED} are needed; make room and run it again")


def make_environment() -> None:
    if PYTHON.exists() and run([PYTHON, "-c", "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))"], check=False) == 0:
        return
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetUpFailed(f"making {VENV}: {error}; on Debian install python3-venv") from None


def install_uv() -> None:
    if UV.exists():
        return
    run([PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", LOCKS / "uv.lock"])


def install_libraries() -> None:
    run([UV, "pip", "sync", "-q", "--python", PYTHON, "--compile-bytecode", "--require-hashes", LOCKS / "dev.lock"])


def install_fleetlake() -> None:
    options = ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat"]
    run([UV, "pip", "install", "-q", "--python", PYTHON, *options, "-e", ROOT])


def find_java() -> None:
    run([PYTHON, "-m", "runtime.java"])


def fetch_jars() -> None:
    run([PYTHON, "-m", "runtime.jars"])


def archive_classes() -> None:
    run([PYTHON, "-m", "runtime.class_archive"])


def run(command: list[str | Path], check: bool = True) -> int:
    """Run one command quietly; SetUpFailed with its last lines when it fails."""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "PYTHONPATH")
    }
    done = subprocess.run([str(word) for word in command], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        # pip tells each of its five tries for each package that it cannot reach.
        told = [line for line in (done.stderr or done.stdout).strip().splitlines() if not line.startswith("WARNING: Retrying")]
        tail = "\n".join(told[-8:])
        raise SetUpFailed(f"`{' '.join(str(word) for word in command[:6])}` failed; is the package registry reachable?\n{tail}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
