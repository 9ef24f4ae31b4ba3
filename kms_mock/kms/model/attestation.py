"""The attestation of enclaves: the key that signs challenges; answers to attested recipients are not offered."""

from __future__ import annotations

from msgspec import Struct

from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors
from kms_mock.kms.errors import ErrorSpec
from kms_mock.store.resource import Resource


class ChallengeKey(Struct, frozen=True):
    """The key pair that signs the challenges of one server; made when the first one is asked for."""

    material: KeyMaterial


challenge_keys = Resource(ChallengeKey, "challenge key", key=lambda _: "", logged=False)


def refuse_recipient(recipient: str | None, refusal: ErrorSpec = errors.UNSUPPORTED_OPERATION) -> None:
    """Refuse a request that names an attested recipient. Raises `refusal`."""
    if recipient is not None:
        raise refusal("Attested recipients are not supported.")
