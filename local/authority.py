"""The project's own certificate authority: one folder with a key and a certificate, made once, that signs each device."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runtime.errors import SetupError

_YEARS = 10
_NO_USE = {
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "encipher_only": False,
    "decipher_only": False,
}


@dataclass(frozen=True)
class Authority:
    """Keys and certificates are PEM text."""

    certificate: str
    key: str
    certificate_file: Path

    @classmethod
    def at(cls, folder: Path) -> "Authority":
        """The authority in `folder`, made there at first use. Two processes that make it at once get the same one."""
        if not (folder / "ca.pem").exists():
            _create(folder)
        try:
            return cls((folder / "ca.pem").read_text(), (folder / "ca.key").read_text(), folder / "ca.pem")
        except OSError as error:
            raise SetupError(f"certificate authority {folder}: {error}; remove the folder and provision the devices again") from None

    def issue(self, device_id: str) -> tuple[str, str]:
        """A new (key, certificate) for a device, whose common name is its id."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.load_pem_x509_certificate(self.certificate.encode())
        certificate = (
            _builder(_name(device_id), issuer.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=False, crl_sign=False, **_NO_USE), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False)  # type: ignore[arg-type]
            .sign(self._signing_key(), hashes.SHA256())
        )
        return _key_text(key), certificate.public_bytes(serialization.Encoding.PEM).decode()

    def _signing_key(self) -> CertificateIssuerPrivateKeyTypes:
        return serialization.load_pem_private_key(self.key.encode(), password=None)  # type: ignore[return-value]


def _create(folder: Path) -> None:
    """Make the authority beside its place and move it there whole, so that nobody ever reads half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        key = ec.generate_private_key(ec.SECP256R1())
        write_secret(draft / "ca.key", _key_text(key))
        (draft / "ca.pem").write_bytes(_self_signed(key).public_bytes(serialization.Encoding.PEM))
        draft.rename(folder)
    except OSError as error:
        # Another process was first: its authority is as good.
        if not (folder / "ca.pem").exists():
            raise SetupError(f"certificate authority {folder}: cannot be written: {error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = _name("fleetlake local authority")
    return (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **_NO_USE), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # A laptop's clock may have been set back since.
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "fleetlake"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def write_secret(file: Path, text: str) -> None:
    """Write `text` so that nobody but the owner can ever read it."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
