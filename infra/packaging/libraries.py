"""The libraries of a package: what its lock says, by hash, as wheels for the processor that it runs on, whatever machine this is."""

import fnmatch
import importlib.metadata
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from runtime.errors import SetupError
from runtime.settings import REPOSITORY

# Amazon Linux 2023 has a C library of 2.34: these wheels run there.
PLATFORMS = {"arm64": "aarch64-manylinux_2_28", "x86_64": "x86_64-manylinux_2_28"}
# Headers, sources, tests, and parts of Arrow that nothing here imports. Of a library's three names only the one that the loader
# asks for is kept; archives here have no links.
_UNUSED = (
    *("*/tests/*", "*/include/*", "*.pyi", "*.pyx", "*.pxd", "*.pxi", "*.h", "*.c", "*.cpp", "*.a", "*.cmake", "*.dist-info/RECORD"),
    *("pyarrow/src/*", "pyarrow/includes/*", "pyarrow/libarrow_python.so", "pyarrow/libarrow_python.so.*.*.*"),
    *("pyarrow/libarrow_flight*", "pyarrow/_flight*", "pyarrow/_substrait*"),
    *("boto3/examples/*", "bin/*", "*/__pycache__/*", "*.lib", "*.so.debug"),
)


@dataclass(frozen=True)
class Libraries:
    """Those of requirements/{lock}.lock, for Python `python`, without the files that nothing here uses.

    `services`: AWS services whose models botocore needs; none: all of them. `unused`: more patterns of files that are left out.
    """

    lock: str
    python: str
    services: frozenset[str] = frozenset()
    unused: tuple[str, ...] = ()

    @property
    def lock_file(self) -> Path:
        return REPOSITORY / "requirements" / f"{self.lock}.lock"

    def locked(self) -> dict[str, str]:
        """Version of each library of the lock, whatever machine it is for."""
        return dict(re.findall(r"^([a-z0-9-]+)==([^ \\]+)", self.lock_file.read_text(), re.MULTILINE))

    def install(self, folder: Path, architecture: str) -> None:
        """Raises SetupError where a wheel cannot be had."""
        command = [
            *(the_uv(), "pip", "install", "-q", "--target", str(folder), "--require-hashes", "--no-deps", "--only-binary", ":all:"),
            *("--python-version", self.python, "--python-platform", PLATFORMS[architecture], "-r", str(self.lock_file)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SetupError(f"package: uv could not install {self.lock_file.name} for {architecture}:\n{done.stderr.strip()}")
        self._strip(folder)

    def copy_installed(self, folder: Path) -> None:
        """As they are installed here, by their own lists of files: for this machine, and without a network.

        Raises SetupError where another version is installed than the lock says.
        """
        for name, version in self._needed_here().items():
            distribution = importlib.metadata.distribution(name)
            if distribution.version != version:
                raise SetupError(f"package: {name} is {distribution.version} here, {self.lock_file.name} says {version}")
            for file in distribution.files or ():
                # A script in bin/ lies outside.
                if not file.is_absolute() and ".." not in file.parts and not self.is_stripped(file.as_posix()):
                    target = folder / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(str(distribution.locate_file(file)), target)

    def _needed_here(self) -> dict[str, str]:
        """Without those of other systems and Pythons."""
        from packaging.requirements import Requirement

        lines = re.findall(r"^([a-z0-9-]+==[^\\\n]+)", self.lock_file.read_text(), re.MULTILINE)
        requirements = [Requirement(line) for line in lines]
        wanted = [requirement for requirement in requirements if requirement.marker is None or requirement.marker.evaluate()]
        return {requirement.name: str(requirement.specifier).removeprefix("==") for requirement in wanted}

    def is_stripped(self, path: str) -> bool:
        """Whether a library's file, by its path in site-packages, is left out of the package."""
        parts = path.split("/")
        if self.services and path.startswith("botocore/data/") and len(parts) > 3:
            return parts[2] not in self.services
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in (*_UNUSED, *self.unused))

    def _strip(self, folder: Path) -> None:
        for file in sorted(folder.rglob("*")):
            if not file.is_dir() and self.is_stripped(file.relative_to(folder).as_posix()):
                file.unlink()
        for empty in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
            if not any(empty.iterdir()):
                empty.rmdir()


def the_uv() -> str:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise SetupError("package: there is no uv beside this Python or on PATH; `make packages` has it")
    return uv


def interpreter_of(python: str) -> str | None:
    """A Python of that version on this machine; None where there is none."""
    if sys.version_info[:2] == tuple(map(int, python.split("."))):
        return sys.executable
    found = subprocess.run([the_uv(), "python", "find", "--no-python-downloads", python], capture_output=True, text=True, check=False)
    return found.stdout.strip() if found.returncode == 0 else None


def compile_code(folder: Path, interpreter: str) -> None:
    """Who cannot write beside its code would compile every module that it imports at each start."""
    # By no time and no hash: archives keep no times, and nothing changes after.
    command = [interpreter, "-m", "compileall", "-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(folder), str(folder)]
    subprocess.run(command, check=True)
