"""Certificate authorities for tests: what a CA does with a signing request of the mock's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.support.calls import run_openssl

USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_TODAY = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 (real validity, checked by the openssl command too)


@dataclass
class Authority:
    """A CA with a P-256 key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        request: str,
        *,
        days: tuple[int, int] = (-1, 30),
        usages: tuple[str, ...] = (),
        key: ec.EllipticCurvePrivateKey | None = None,
    ) -> str:
        """Issue a certificate for a signing request: valid from and until these days from today, as PEM."""
        asked = x509.load_pem_x509_csr(request.encode())
        builder = _builder(asked.subject, self.certificate.subject, asked.public_key(), days, ca=False)
        if usages:
            flags = {name: name in usages for name in USAGES}
            builder = builder.add_extension(x509.KeyUsage(**flags), critical=True)
        for extension in asked.extensions:
            builder = builder.add_extension(extension.value, extension.critical)
        return builder.sign(key or self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def subordinate(
        self, name: str, *, days: tuple[int, int] = (-1, 60), path_length: int | None = None, ca: bool = True
    ) -> Authority:
        """Make a CA below this one."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(
            _named(name), self.certificate.subject, key.public_key(), days, ca=ca, path_length=path_length
        )
        return Authority(key, builder.sign(self.key, hashes.SHA256()))


def root(name: str = "test root") -> Authority:
    """Make a CA that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_named(name), _named(name), key.public_key(), (-1, 90), ca=True)
    return Authority(key, builder.sign(key, hashes.SHA256()))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificatePublicKeyTypes,
    days: tuple[int, int],
    *,
    ca: bool,
    path_length: int | None = None,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_TODAY + timedelta(days[0]))
        .not_valid_after(_TODAY + timedelta(days[1]))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
    )


def openssl_text(folder: Path, command: str, data: bytes = b"", **files: str | bytes) -> str:
    """Run the `openssl` command with these files (`_` for the dot); return what it prints, both streams."""
    contents = {
        name.replace("_", "."): content if isinstance(content, bytes) else content.encode()
        for name, content in files.items()
    }
    done = run_openssl(folder, command, data, **contents)
    return (done.stdout + done.stderr).decode(errors="replace")


SM2_OPTION = "distid:1234567812345678"


def sm2_chain(folder: Path, request: str) -> tuple[str, str]:
    """Let the `openssl` command be an SM2 CA: the certificate for a request, and the CA's own, as PEM."""
    openssl_text(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2 -out ca.key")
    openssl_text(folder, f"req -x509 -key ca.key -sm3 -sigopt {SM2_OPTION} -subj /CN=sm2-root -days 30 -out ca.pem")
    openssl_text(
        folder,
        f"x509 -req -in leaf.csr -vfyopt {SM2_OPTION} -CA ca.pem -CAkey ca.key -sm3 -sigopt {SM2_OPTION} "
        "-set_serial 4660 -days 20 -out leaf.pem",
        leaf_csr=request,
    )
    return (folder / "leaf.pem").read_text(), (folder / "ca.pem").read_text()
