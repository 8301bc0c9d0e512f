"""What every package is: a name, the sources that it is made of, and a folder that it is built in."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime.errors import SetupError
from runtime.settings import REPOSITORY

DEFAULT_OUT = REPOSITORY / "build"
# In the folder of every package: what `make_room` may throw away.
_MARK = ".fleetlake-package"


@dataclass(frozen=True)
class Order:
    """`installed`: of the libraries that are installed here, to try it on this machine."""

    out: Path = DEFAULT_OUT
    architecture: str = "arm64"
    installed: bool = False


class Package(Protocol):
    @property
    def name(self) -> str: ...

    def sources(self) -> list[Path]:
        """Files of the checkout that it is made of."""
        ...

    def build(self, order: Order) -> str:
        """Put it to the order's folder; what it weighs, in a line or two. Raises SetupError."""
        ...


def digest(sources: Iterable[Path], *more: str) -> str:
    """Of the text of `sources`, of the packager and of what is `more`: equal ones make an equal package."""
    packager = Path(__file__).parent.glob("*.py")
    found = hashlib.sha256("\0".join(more).encode())
    for file in sorted({*sources, *packager}):
        found.update(f"\0{file.relative_to(REPOSITORY).as_posix()}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def make_room(out: Path, name: str) -> Path:
    """An empty folder in place of the package of before. Raises SetupError where something else is there."""
    folder, mark = out / name, out / f"{_MARK}-{name}"
    if folder.exists() and any(folder.iterdir()) and not mark.is_file():
        raise SetupError(f"package {name}: {folder} is there and holds no package of it; remove it, or name another --out")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    mark.touch()
    return folder


def mebibytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB"
