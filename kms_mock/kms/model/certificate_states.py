"""What each event does to a certificate in each status: the next status, or None for a refusal. Nothing else decides.

A revoked certificate verifies signatures and does nothing else, for good (api-docs UpdateCertificateStatus; docs page on
revoking). One that is PENDING waits for its import: no other event is allowed.
"""

from __future__ import annotations

from typing import Literal

CertificateStatus = Literal["PENDING", "ACTIVE", "INACTIVE", "REVOKED"]
NewCertificateStatus = Literal["INACTIVE", "ACTIVE", "REVOKED"]
CertificateUse = Literal["sign", "verify", "encrypt", "decrypt"]
CertificateEvent = Literal["import", "activate", "deactivate", "revoke", "sign", "verify", "encrypt", "decrypt"]

STATUSES: tuple[CertificateStatus, ...] = ("PENDING", "ACTIVE", "INACTIVE", "REVOKED")

_ROWS: dict[CertificateEvent, tuple[CertificateStatus | None, ...]] = {
    # event:       in PENDING  ACTIVE      INACTIVE    REVOKED
    "import": ("ACTIVE", "ACTIVE", "ACTIVE", None),  # what is there already is replaced, as a renewal
    "activate": (None, "ACTIVE", "ACTIVE", None),
    "deactivate": (None, "INACTIVE", "INACTIVE", None),
    "revoke": (None, "REVOKED", "REVOKED", "REVOKED"),
    "sign": (None, "ACTIVE", None, None),
    "verify": (None, "ACTIVE", None, "REVOKED"),
    "encrypt": (None, "ACTIVE", None, None),
    "decrypt": (None, "ACTIVE", None, None),
}

TRANSITIONS: dict[tuple[CertificateEvent, CertificateStatus], CertificateStatus | None] = {
    (event, status): outcome for event, row in _ROWS.items() for status, outcome in zip(STATUSES, row, strict=True)
}

# What UpdateCertificateStatus asks for when it names a status.
EVENT_OF_STATUS: dict[NewCertificateStatus, CertificateEvent] = {
    "ACTIVE": "activate",
    "INACTIVE": "deactivate",
    "REVOKED": "revoke",
}
