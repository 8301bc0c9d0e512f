"""``python -m infra.packaging [ingest|api|spark|airflow …]``: make packages and say how large they are; all of them without a name."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from infra.edge import exit_code
from infra.packaging.airflow_bundle import AIRFLOW
from infra.packaging.functions import API, INGEST
from infra.packaging.libraries import PLATFORMS
from infra.packaging.package import DEFAULT_OUT, Order, Package
from infra.packaging.spark_archive import SPARK

_ALL: tuple[Package, ...] = (INGEST, API, SPARK, AIRFLOW)
PACKAGES = {package.name: package for package in _ALL}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="packaging", description="Make the packages that are deployed to AWS.")
    parser.add_argument("packages", nargs="*", metavar="PACKAGE", help=f"of {', '.join(PACKAGES)}; none: all of them")
    parser.add_argument("--architecture", choices=sorted(PLATFORMS), default="arm64", help="processor that it runs on (default: arm64)")
    parser.add_argument("--installed", action="store_true", help="from the libraries installed here, to try it on this machine")
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the packages (default: build)")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.packages if name not in PACKAGES]:
        parser.error(f"there is no package {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    order = Order(asked.out, asked.architecture, asked.installed)

    def work() -> None:
        for name in asked.packages or PACKAGES:
            sys.stdout.write(PACKAGES[name].build(order))

    return exit_code(work)


if __name__ == "__main__":
    sys.exit(main())
