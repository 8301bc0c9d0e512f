"""What devices' commands read from and write to files: an import as JSON or CSV, keys and certificates."""

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from runtime.errors import UsageError, UserError

_THING = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
_CERTIFICATE = re.compile(r"[a-fA-F0-9]{64}")
_COLUMNS = "device_id, type, groups (with ; between), csr, attributes.NAME and tags.NAME"


def checked_id(device: str) -> str:
    """Raises UsageError for what is no name of a thing: it goes into paths."""
    if not _THING.fullmatch(device):
        raise UsageError(f"device {device!r}: an id has 1 to 128 letters, digits, ':', '_' or '-'")
    return device


def checked_certificate(certificate_id: str) -> str:
    """Raises UsageError for what is no certificate's id."""
    if not _CERTIFICATE.fullmatch(certificate_id):
        raise UsageError(f"certificate {certificate_id!r}: an id has 64 hexadecimal digits; `fleetlake devices show` names them")
    return certificate_id


def pairs(texts: list[str], what: str) -> dict[str, str]:
    """``key=value`` of each. Raises UserError for what is none."""
    found = [text.partition("=") for text in texts]
    if wrong := next((text for text, (key, sign, _) in zip(texts, found, strict=True) if not key or not sign), None):
        raise UserError(f"{what} {wrong}: write it as NAME=VALUE")
    return {key: value for key, _, value in found}


def read(file: Path, what: str) -> str:
    """Raises UserError for a file that is not there, or is no text."""
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        raise UserError(f"{what} {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{what} {file}: it is no UTF-8 text") from None


def devices_of(file: Path) -> list[dict[str, Any]]:
    """The items of an import. Raises UserError with the line that is wrong."""
    text = read(file, "import")
    if file.suffix.lower() == ".csv":
        return list(_of_csv(file, text))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UserError(f"import {file}: it is no JSON: {error}") from None
    devices = found.get("devices") if isinstance(found, dict) else found
    if not isinstance(devices, list) or not all(isinstance(device, dict) for device in devices):
        raise UserError(f"import {file}: it holds no list of devices")
    return devices


def _of_csv(file: Path, text: str) -> Iterator[dict[str, Any]]:
    rows = csv.DictReader(text.splitlines())
    for row in rows:
        if None in row or None in row.values():
            raise UserError(f"import {file}, line {rows.line_num}: it has other columns than the first line")
        device: dict[str, Any] = {}
        for column, value in row.items():
            if value:
                _take(device, column, value, f"import {file}")
        yield device


def _take(device: dict[str, Any], column: str, value: str, doing: str) -> None:
    part, _, name = column.partition(".")
    if part in ("attributes", "tags") and name:
        device.setdefault(part, {})[name] = value
    elif column == "groups":
        device["groups"] = [group for group in value.split(";") if group]
    elif column in ("device_id", "type", "csr"):
        device[column] = value
    else:
        raise UserError(f"{doing}: there is no column {column}; there are {_COLUMNS}")


def check_folder(folder: Path) -> None:
    """Before anything is issued: raises UserError where a key could not be put, or would take another's place."""
    if (folder / "device.key").exists():
        raise UserError(f"{folder}: it holds a key already; give another folder by --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder}: {error.strerror}; give another folder by --out") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"{folder}: it cannot be written to; give another folder by --out")


def write_certificate(folder: Path, certificate: dict[str, Any]) -> list[Path]:
    """The key, which nobody but the owner can read, and the certificate; what was written."""
    written = []
    if certificate["private_key"]:
        key = folder / "device.key"
        with os.fdopen(os.open(key, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(certificate["private_key"])
        written.append(key)
    (folder / "device.pem").write_text(certificate["certificate_pem"])
    return [*written, folder / "device.pem"]
