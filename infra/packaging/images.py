"""The images of the APIs, of the worker and of training: ``python -m infra.packaging.images``, or `make images`, where a container engine runs."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from infra.edge import exit_code
from runtime.errors import SetupError
from runtime.settings import REPOSITORY

_ENGINES = ("docker", "podman")
_COPY = re.compile(r"^COPY (?!--from)(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Image:
    name: str
    # As the engines name the processor that it runs on.
    platform: str

    @property
    def dockerfile(self) -> Path:
        return REPOSITORY / "infra" / "images" / f"{self.name}.Dockerfile"

    def context(self) -> list[str]:
        """Paths of the checkout that the Dockerfile copies, and itself."""
        copied = [path for line in _COPY.findall(self.dockerfile.read_text()) for path in line.split()[:-1]]
        return sorted({*copied, self.dockerfile.relative_to(REPOSITORY).as_posix()})

    def build(self, engine: str) -> str:
        """Its tag. Raises SetupError where the engine could not build it."""
        tag = f"fleetlake-{self.name}"
        command = [engine, "build", "--platform", self.platform, "--file", str(self.dockerfile), "--tag", tag, str(REPOSITORY)]
        if subprocess.run(command, check=False).returncode:
            raise SetupError(f"image {tag}: {engine} could not build {self.dockerfile}; what it said stands above")
        return tag


API = Image("api", "linux/arm64")
WORKER = Image("worker", "linux/arm64")
# Of SageMaker's ml.m5 (runtime/aws_tasks.py).
TRAINING = Image("training", "linux/amd64")
IMAGES = (API, WORKER, TRAINING)


def engine_here() -> str:
    """A container engine that answers. Raises SetupError where there is none."""
    silent = []
    for name in filter(shutil.which, _ENGINES):
        if subprocess.run([name, "version"], capture_output=True, check=False, timeout=60).returncode == 0:
            return name
        silent.append(name)
    found = f"{' and '.join(silent)} is installed and its engine does not answer" if silent else f"there is no {' and no '.join(_ENGINES)}"
    raise SetupError(f"images: {found}; building an image needs one. `make packages` needs none")


def main() -> int:
    return exit_code(_build_all)


def _build_all() -> None:
    engine = engine_here()
    for image in IMAGES:
        tag = image.build(engine)
        size = subprocess.run([engine, "image", "inspect", "--format", "{{.Size}}", tag], capture_output=True, text=True, check=True)
        sys.stdout.write(f"{tag}: {int(size.stdout) / 2**20:.1f} MiB for {image.platform}\n")


if __name__ == "__main__":
    sys.exit(main())
