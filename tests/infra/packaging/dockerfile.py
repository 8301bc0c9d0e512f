"""Runs a Dockerfile's steps without an engine, in folders in place of its stages: what it installs and copies, by a Python that has nothing.

What needs the image's own system (its packages, its users) is not run, and told.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from runtime.settings import REPOSITORY

_OF_THE_SYSTEM = ("apt-get ", "useradd ")


@dataclass
class Stage:
    base: str
    root: Path
    workdir: Path = Path("/")
    variables: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    command: str = ""

    def inside(self, path: str) -> Path:
        return self.root / (self.workdir / path).as_posix().lstrip("/")


@dataclass
class Ran:
    """The last stage, and the steps that were left to an engine."""

    image: Stage
    left: list[str]


def steps(dockerfile: Path) -> list[tuple[str, str]]:
    lines = [line for line in dockerfile.read_text().splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(word, rest) for line in joined.splitlines() for word, _, rest in (line.partition(" "),)]


def run(dockerfile: Path, folder: Path, instead: Mapping[str, str]) -> Ran:
    """`instead`: variables in place of the Dockerfile's own, to be quicker."""
    stages: dict[str, Stage] = {}
    ran = Ran(Stage("", folder), [])
    for word, rest in steps(dockerfile):
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            ran.image = stages[name or "image"] = Stage(base, folder / (name or "image"))
            ran.image.root.mkdir()
        elif word == "RUN":
            _run(ran, rest, instead)
        elif word == "COPY":
            _copy(ran.image, stages, rest.split())
        else:
            _set(ran.image, word, rest)
    return ran


def _set(stage: Stage, word: str, rest: str) -> None:
    if word == "WORKDIR":
        stage.workdir = Path(rest)
        stage.inside(".").mkdir(parents=True, exist_ok=True)
    elif word == "ENV":
        stage.variables |= dict(pair.split("=", 1) for pair in shlex.split(rest))
    elif word == "USER":
        stage.user = rest
    elif word == "CMD":
        stage.command = rest
    else:
        assert word in ("EXPOSE", "VOLUME"), word


def _run(ran: Ran, command: str, instead: Mapping[str, str]) -> None:
    if command.startswith(_OF_THE_SYSTEM):
        ran.left.append(command.partition(" ")[0])
        return
    home = ran.image.root / "root"
    home.mkdir(exist_ok=True)
    (home / "python").unlink(missing_ok=True)
    (home / "python").symlink_to(Path(sys.executable).resolve())
    # How this machine reaches a registry is in its environment.
    machine = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "FLEETLAKE_"))}
    variables = machine | {"PATH": f"{home}:/usr/bin:/bin", "HOME": str(home)} | ran.image.variables | dict(instead)
    done = subprocess.run(["sh", "-c", command], cwd=ran.image.inside("."), env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def _copy(stage: Stage, stages: Mapping[str, Stage], words: list[str]) -> None:
    *sources, target = [word for word in words if not word.startswith("--")]
    of = next((stages[word.removeprefix("--from=")].root for word in words if word.startswith("--from=")), REPOSITORY)
    for source in sources:
        found, place = of / source.lstrip("/"), stage.inside(target)
        if found.is_dir():
            shutil.copytree(found, place, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            # A folder that is named with a stroke at its end takes files by their names.
            place.mkdir(parents=True, exist_ok=True) if target.endswith("/") else place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, place / found.name if target.endswith("/") else place)
