"""Every package whole, from its lock by hash, for both processors; run where there is nothing else; every image's install steps as they stand."""

import platform
import tarfile
import tempfile
from pathlib import Path
from typing import Any

from infra.packaging import images
from infra.packaging.archives import size
from infra.packaging.functions import API, INGEST, MOST_BYTES, import_seconds
from infra.packaging.libraries import PLATFORMS
from infra.packaging.package import Order
from infra.packaging.spark_archive import SPARK
from tests.infra.packaging import dockerfile
from tests.infra.packaging.test_images import INGESTS, SERVES, TRAINS, started
from tests.infra.packaging.test_spark_archive import LIBRARIES, imported, interpreted_here
from tests.proofs import Size

WHAT = "Functions, Spark's archive and images made whole from their locks: their sizes, and that each runs where there is nothing else."
CODE = ("infra/packaging", "infra/images", "requirements", "Dockerfile")
SEED = 0

# As wheels have it of what `platform.machine()` says.
_HERE = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}[platform.machine()]


def prove(size_: Size) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="fleetlake-packages-") as name:
        folder = Path(name)
        if size_ is Size.SMALL:
            return {"spark": _spark(folder)}
        functions = {
            f"{each.name} {architecture}": _function(each, folder / architecture, architecture)
            for each in (INGEST, API)
            for architecture in PLATFORMS
        }
        seconds = {each.name: _imported(each, folder / "installed") for each in (INGEST, API)}
        return {
            "mebibytes": functions,
            "import_cpu_seconds": seconds,
            "spark": _spark(folder / "spark"),
            "images": _images(folder / "images"),
        }


def _function(function: Any, out: Path, architecture: str) -> dict[str, float]:
    function.build(Order(out, architecture))
    unpacked, packed = size(out / function.name), (out / f"{function.name}.zip").stat().st_size
    assert unpacked < 0.8 * MOST_BYTES
    return {"zipped": round(packed / 2**20, 1), "unpacked": round(unpacked / 2**20, 1)}


def _imported(function: Any, out: Path) -> dict[str, float]:
    function.build(Order(out, installed=True))
    return {handler: round(min(import_seconds(out / function.name, handler)[1] for _ in range(3)), 2) for handler in function.handlers}


def _spark(out: Path) -> dict[str, float]:
    """Built for this machine, unpacked elsewhere, run by a bare interpreter."""
    SPARK.build(Order(out, _HERE))
    elsewhere = out / "elsewhere"
    with tarfile.open(out / "spark" / "environment.tar.gz") as packed:
        packed.extractall(elsewhere, filter="fully_trusted")
    interpreted_here(elsewhere)
    prefix, pandas, _ = imported(elsewhere, out / "spark" / "fleetlake.zip", LIBRARIES, out)
    assert (prefix, pandas.startswith(prefix)) == (str(elsewhere), True)
    weight = {"zipped": (out / "spark" / "environment.tar.gz").stat().st_size, "unpacked": size(elsewhere)}
    return {name: round(count / 2**20, 1) for name, count in weight.items()}


def _images(out: Path) -> dict[str, float]:
    """MiB of each image beside its base."""
    sizes = {}
    for image, program in ((images.API, SERVES), (images.WORKER, INGESTS), (images.TRAINING, TRAINS)):
        folder = out / image.name
        folder.mkdir(parents=True)
        ran = dockerfile.run(image.dockerfile, folder, {})
        done = started(ran, program)
        assert done.returncode == 0, done.stderr
        assert str(folder) in done.stdout
        sizes[image.name] = round(size(ran.image.root) / 2**20, 1)
    return sizes
