"""What the installed `cryptography` can do. The range begins with 41: an official client, aliyun-secret-manager-client, wants less than 42."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography import __version__

if TYPE_CHECKING:
    from cryptography import x509

_VERSION: Final = tuple(map(int, __version__.split(".")[:2]))
REPEATS_ECDSA: Final = _VERSION >= (43,)
"""Whether it makes ECDSA signatures with the nonce of RFC 6979, which repeat under a seed."""
REPEATS_CERTIFICATES: Final = _VERSION >= (45,)
"""Whether it signs certificates in that way."""
_HAS_UTC: Final = _VERSION >= (42,)
HAS_SM4_GCM: Final = _VERSION >= (42,)
"""Whether it has SM4 in the mode GCM."""


def missing_for_seed() -> str:
    """Return what does not repeat from run to run although there is a seed, "" when everything does."""
    if REPEATS_CERTIFICATES:
        return ""
    what = "certificates of instances" if REPEATS_ECDSA else "ECDSA signatures and certificates of instances"
    return f"{what} differ from run to run in spite of the seed: cryptography {__version__} is too old, 45 is needed"


def validity(certificate: x509.Certificate) -> tuple[float, float]:
    """Return from when and until when a certificate is valid, in seconds since 1970 UTC."""
    if not _HAS_UTC:  # pragma: without cryptography 42
        return _seconds(certificate.not_valid_before), _seconds(certificate.not_valid_after)
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def _seconds(moment: datetime) -> float:  # pragma: without cryptography 42
    return moment.replace(tzinfo=UTC).timestamp()
