"""Becomes one of Airflow's own processes, configured for the laptop: ``python -m local.airflow scheduler …``."""

import os
import sys
from pathlib import Path

from local.airflow_environment import variables
from runtime.settings import Settings


def main(arguments: list[str]) -> None:
    # What the container or the supervisor has set on purpose stays.
    environment = variables(Settings.from_environment()) | os.environ
    program = str(Path(sys.executable).with_name("airflow"))
    os.execve(program, [program, *arguments], environment)


if __name__ == "__main__":
    main(sys.argv[1:])
