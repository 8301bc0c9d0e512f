"""The certificates of devices: issued by AWS IoT, noted in the registry before they can connect, cut off before they are forgotten."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from services.problems import Conflict, Invalid

CSR_BYTES = 4096
CERTIFICATE_ID = r"^[a-fA-F0-9]{64}$"
# https://docs.aws.amazon.com/iot/latest/developerguide/x509-client-certs.html
_LEAST_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_ARN_ID = re.compile(r":cert/([a-fA-F0-9]{64})$")
_GONE = "ResourceNotFoundException"
# Whoever made it active again meanwhile is overtaken.
_TRIES = 3


class Outcome(StrEnum):
    """What became of a certificate."""

    DELETED = "deactivated and deleted"
    DETACHED = "detached; other things have it as well"


@dataclass(frozen=True)
class Issued:
    """`private_key` is "" where the device has made its own and sent a request for the certificate alone."""

    certificate_id: str
    arn: str
    pem: str
    private_key: str = ""


def check_csr(pem: str) -> None:
    """Raises Invalid for what is no PKCS#10 request that signs itself with RSA of 2,048 bits or more, or on P-256 or P-384.

    AWS takes such keys; of what it says of the others (``CSR violates constraints``) no device's maker learns what to mend.
    """
    try:
        # Bytes that are no ASCII are no PEM.
        csr = x509.load_pem_x509_csr(pem.encode("ascii"))
        key, is_signed = csr.public_key(), csr.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        raise _bad_csr("it is no PEM of a PKCS#10 request; make one by `openssl req -new`") from None
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _LEAST_RSA_BITS:
            raise _bad_csr(f"its RSA key has {key.key_size} bits; it must have {_LEAST_RSA_BITS} at least")
    elif not (isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)):
        raise _bad_csr("its key is neither RSA nor on the curve P-256 or P-384")
    if not is_signed:
        raise _bad_csr("its signature is not that of its key")


def _bad_csr(why: str) -> Invalid:
    return Invalid(
        f"certificate signing request: {why}", code="InvalidRequestException", more={"errors": [{"at": "body.csr", "message": why}]}
    )


class Certificates:
    def __init__(self, iot: Any, device_policy: str) -> None:
        self._iot, self._device_policy = iot, device_policy

    def issue(self, csr: str) -> Issued:
        """A certificate that cannot connect yet: inactive, and attached to nothing. Whoever breaks off here leaves nothing that is dangerous."""
        if csr:
            # Parsed and written anew: whatever else stood in what was sent, such as its key, goes no further.
            alone = x509.load_pem_x509_csr(csr.encode()).public_bytes(serialization.Encoding.PEM).decode()
            answer = self._iot.create_certificate_from_csr(certificateSigningRequest=alone, setAsActive=False)
        else:
            answer = self._iot.create_keys_and_certificate(setAsActive=False)
        private_key = answer.get("keyPair", {}).get("PrivateKey", "")
        return Issued(answer["certificateId"], answer["certificateArn"], answer["certificatePem"], private_key)

    def enable(self, device_id: str, issued: Issued) -> None:
        """Bind it to the thing and to the devices' policy, and let it connect. Raises Conflict where it was removed meanwhile."""
        try:
            self._iot.attach_policy(policyName=self._device_policy, target=issued.arn)
            self._iot.attach_thing_principal(thingName=device_id, principal=issued.arn)
            self._iot.update_certificate(certificateId=issued.certificate_id, newStatus="ACTIVE")
        except ClientError as error:
            if _code(error) == _GONE:
                raise Conflict(
                    f"device {device_id}: its certificate was removed by another request while it was made; ask for one again"
                ) from None
            raise

    def pem(self, certificate_id: str) -> str:
        """ "" for one that is gone."""
        try:
            return str(self._iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificatePem"])
        except ClientError as error:
            if _code(error) == _GONE:
                return ""
            raise

    def status(self, certificate_id: str) -> str:
        try:
            return str(self._iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["status"])
        except ClientError as error:
            if _code(error) == _GONE:
                return "DELETED"
            raise

    def remove(self, device_id: str, certificate_id: str) -> Outcome:
        """Deactivate, detach, delete; one that other things have as well is only detached from this one.

        Again, or after a break, it does what is left; one that is gone is removed.
        """
        for left in range(_TRIES - 1, -1, -1):
            try:
                return self._take_away(device_id, certificate_id)
            except ClientError as error:
                if _code(error) == _GONE:
                    return Outcome.DELETED
                if _code(error) not in ("CertificateStateException", "DeleteConflictException") or not left:
                    raise
        raise AssertionError("unreachable")

    def _take_away(self, device_id: str, certificate_id: str) -> Outcome:
        arn = self._iot.describe_certificate(certificateId=certificate_id)["certificateDescription"]["certificateArn"]
        things = set(self._things(arn))
        if things - {device_id}:
            self._iot.detach_thing_principal(thingName=device_id, principal=arn)
            return Outcome.DETACHED
        # First of all: from here on it opens no connection.
        self._iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
        if things:
            self._iot.detach_thing_principal(thingName=device_id, principal=arn)
        for policy in self._iot.list_attached_policies(target=arn)["policies"]:
            self._iot.detach_policy(policyName=policy["policyName"], target=arn)
        self._iot.delete_certificate(certificateId=certificate_id)
        return Outcome.DELETED

    def _things(self, arn: str) -> Iterator[str]:
        for page in self._iot.get_paginator("list_principal_things").paginate(principal=arn):
            yield from page["things"]

    def of_thing(self, device_id: str) -> list[str]:
        """Ids of the certificates that are attached to the thing, whoever attached them; none for a thing that is not there."""
        try:
            pages = list(self._iot.get_paginator("list_thing_principals").paginate(thingName=device_id))
        except ClientError as error:
            if _code(error) == _GONE:
                return []
            raise
        # A thing may have other principals: Cognito identities.
        return [found[1] for page in pages for arn in page["principals"] if (found := _ARN_ID.search(arn))]


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
