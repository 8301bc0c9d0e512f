"""The bundle of MWAA: DAGs with the modules that they import, requirements.txt, startup.sh.

https://docs.aws.amazon.com/mwaa/latest/userguide/configuring-dag-folder.html
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

from infra.packaging.archives import size
from infra.packaging.modules import Code, contracts, copy_sources
from infra.packaging.package import Order, make_room, mebibytes
from runtime.settings import REPOSITORY, Settings

AIRFLOW_VERSION = "3.0.6"
_PYTHON = "3.12"
# MWAA asks for the constraints that its Airflow was built with, so that nothing it came with is replaced. What is listed is there
# already; a line that could not be met would say so in the environment's log.
# https://docs.aws.amazon.com/mwaa/latest/userguide/connections-packages.html
REQUIREMENTS = f"""\
--constraint "https://raw.githubusercontent.com/apache/airflow/constraints-{AIRFLOW_VERSION}/constraints-{_PYTHON}.txt"
apache-airflow-providers-amazon[aiobotocore]
PyYAML
"""


class AirflowBundle:
    name = "airflow"

    def sources(self) -> list[Path]:
        return [*_dags(), *_code().files(), *contracts()]

    def build(self, order: Order) -> str:
        folder = make_room(order.out, self.name)
        self._add_dags(folder / "dags")
        (folder / "requirements.txt").write_text(REQUIREMENTS)
        (folder / "startup.sh").write_text(startup_script(_told()))
        return f"{folder}: {mebibytes(size(folder))}\n"

    def _add_dags(self, folder: Path) -> None:
        """MWAA puts the folder on the path, and takes every file of it for DAGs that .airflowignore does not name."""
        modules = [file for file in _code().files() if file.parent != REPOSITORY / "dags"]
        copy_sources([*modules, *contracts()], folder)
        for file in _dags():
            (folder / file.name).write_bytes(file.read_bytes())
        (folder / ".airflowignore").write_text("".join(f"{name.name}/\n" for name in sorted(folder.iterdir()) if name.is_dir()))


AIRFLOW = AirflowBundle()


def startup_script(variables: Mapping[str, str]) -> str:
    """MWAA runs it before each of its processes: its one way to give them variables."""
    exports = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(variables.items()))
    return f"#!/bin/sh\n# The settings of fleetlake; .env.example lists them all.\n{exports}"


def _told() -> dict[str, str]:
    """The settings of this process that are not their defaults, for AWS."""
    return Settings.from_environment().changed() | {"FLEETLAKE_PLATFORM": "aws"}


def _dags() -> list[Path]:
    return sorted(file for file in (REPOSITORY / "dags").glob("*.py") if file.name != "__init__.py")


def _code() -> Code:
    return Code(tuple(f"dags.{file.stem}" for file in _dags()), ("runtime.local",))
