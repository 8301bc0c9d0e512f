"""Gives devices their identity: a thing, a key, a certificate of our authority, and the policy that binds topic to identity."""

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from local.authority import Authority, write_secret
from local.files import write_whole
from runtime.errors import UserError
from runtime.platforms import Platform

_THING_NAME = re.compile(r"[a-zA-Z0-9:_-]{1,128}")
ID_RULE = "an id has 1 to 128 letters, digits, ':', '_' or '-'"


@dataclass(frozen=True)
class DeviceFiles:
    """Paths of the PEM files a device connects with."""

    key: Path
    certificate: Path
    ca: Path


def provision(platform: Platform, device_ids: Iterable[str]) -> dict[str, DeviceFiles]:
    """Provision each device that is not; the files of all of them. Again with the same ids it changes nothing. A thing that is there is taken
    as it is.

    Raises UserError for an id that is no thing name.
    """
    home = platform.settings.home
    authority = Authority.at(home / "authority")
    iot = platform.client("iot")
    provisioned = {}
    for device_id in device_ids:
        if not is_device_id(device_id):
            raise UserError(f"provision device {device_id!r}: {ID_RULE}")
        files = _certified(home / "devices" / device_id, device_id, authority)
        _register(iot, device_id, files.certificate.read_text(), platform.settings.device_policy)
        provisioned[device_id] = files
    return provisioned


def is_device_id(text: str) -> bool:
    """Whether it can name a thing, and with that stand in a topic."""
    return _THING_NAME.fullmatch(text) is not None


def _certified(folder: Path, device_id: str, authority: Authority) -> DeviceFiles:
    files = DeviceFiles(folder / "device.key", folder / "device.pem", authority.certificate_file)
    if not (files.key.exists() and files.certificate.exists() and _signed_by(files.certificate, authority)):
        key, certificate = authority.issue(device_id)
        folder.mkdir(parents=True, exist_ok=True)
        # The certificate last: it is what says that the pair is whole.
        files.certificate.unlink(missing_ok=True)
        write_secret(files.key, key)
        write_whole(files.certificate, certificate)
    return files


def _signed_by(certificate: Path, authority: Authority) -> bool:
    leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
    try:
        leaf.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.encode()))
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _register(iot: Any, device_id: str, certificate: str, policy: str) -> None:
    # One that was made over the APIs has a type and attributes, and keeps them.
    with suppress(iot.exceptions.ResourceAlreadyExistsException):
        iot.create_thing(thingName=device_id)
    try:
        arn = iot.register_certificate_without_ca(certificatePem=certificate, status="ACTIVE")["certificateArn"]
    except iot.exceptions.ResourceAlreadyExistsException as existing:
        arn = existing.response["resourceArn"]
    iot.attach_policy(policyName=policy, target=arn)
    iot.attach_thing_principal(thingName=device_id, principal=arn)
