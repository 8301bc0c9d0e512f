"""An interpreter that has nothing but a package: no site-packages, no environment, no folder of this checkout."""

import subprocess
import sys
from pathlib import Path

# What it has loaded, a file a line; its last act.
TELL_FILES = """
import sys
for name, module in sorted(sys.modules.items()):
    file = getattr(module, "__file__", None)
    if file: print("FILE", file)
"""


def run_bare(package: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`program` finds the package first on its path. Without credentials and without the metadata of a machine AWS refuses at once."""
    begin = "import sys; sys.path.insert(0, sys.argv[1])\n"
    given = {"FLEETLAKE_PLATFORM": "aws", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(package)} | environment
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin + program, str(package)],
        capture_output=True,
        text=True,
        check=False,
        env=given,
        cwd="/",
        timeout=120,
    )


def foreign_files(told: str, package: Path) -> list[str]:
    """Files that were loaded and are neither the package's nor Python's own."""
    python = (sys.base_prefix, str(Path(sys.executable).resolve().parent.parent), str(package))
    return [file for line in told.splitlines() if line.startswith("FILE ") and not (file := line.removeprefix("FILE ")).startswith(python)]
