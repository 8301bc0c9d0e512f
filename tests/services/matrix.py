"""The authorisation matrix, `matrix.csv` beside this file: what each operation answers to each role for each relation to the device.

Its expected statuses are written by hand; 2xx is any success. Relations: `own` is a device of the caller's (for a device: itself), `granted`
one on which it has all rights, `expired` and `revoked` one on which it had them, `foreign` another's, `missing` none. A part's operations are
called by a `Site` that its tests arrange.
"""

import csv
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI

from services.application import ALL_PARTS, create
from services.composition import Services

RELATIONS = ("own", "granted", "expired", "revoked", "foreign", "missing")
ROLES = ("admin", "operator", "viewer", "device", "none")


@dataclass(frozen=True)
class Row:
    operation: str
    role: str
    expected: dict[str, str]


def rows() -> list[Row]:
    with (Path(__file__).parent / "matrix.csv").open() as file:
        return [Row(line["operation"], line["role"], {name: line[name] for name in RELATIONS}) for line in csv.DictReader(file)]


def existing_parts() -> tuple[str, ...]:
    """Those of the application's parts that are in this tree."""
    return tuple(part for part in ALL_PARTS if _is_there(f"services.{part}.endpoints"))


def _is_there(module: str) -> bool:
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            return False
        raise
    return True


def application(services: Services, parts: tuple[str, ...]) -> FastAPI:
    return create(services, parts)


def operations(app: FastAPI) -> Iterator[str]:
    """As the OpenAPI document has them: method and path."""
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            yield f"{method.upper()} {path}"


def fits(status: int, expected: str) -> bool:
    return str(status // 100) == expected[0] if expected == "2xx" else str(status) == expected


def filled(path: str, values: dict[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: values[match[1]], path)
