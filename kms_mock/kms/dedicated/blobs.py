"""The ciphertext of the Advance operations, which names everything that is needed to open it (dedicated.md 3).

`$`, a byte with the version of the layout (0) and the padding, a byte for the algorithm, 36 characters of key version
id, the IV, the ciphertext with what belongs to it. Without the first three bytes it is a blob of the shared gateway.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kms_mock.kms.model.cipher_modes import Cipher, PaddingMode

INFERRED = (
    "The byte for the algorithm of an Advance ciphertext is 2 for AES_GCM in every SDK; those of other algorithms, and "
    "the bits of the padding, are ours."
)
_MAGIC = b"$"
_PADDINGS: dict[PaddingMode | None, int] = {None: 0, "PKCS7_PADDING": 1, "NO_PADDING": 2}
_ALGORITHMS = {
    "AES_GCM": 2,
    "AES_CBC": 3,
    "AES_CTR": 4,
    "AES_ECB": 5,
    "SM4_GCM": 6,
    "SM4_CBC": 7,
    "SM4_CTR": 8,
    "SM4_ECB": 9,
}
_HEAD = re.compile(rb"\$([\x00-\x02])([\x02-\x09])([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})", re.DOTALL)


class BlobParts(NamedTuple):
    """What a ciphertext names, and the rest of it: IV and ciphertext."""

    padding: PaddingMode | None
    algorithm: str
    key_version_id: str
    rest: bytes


def pack(cipher: Cipher, key_version_id: str, iv: bytes, ciphertext: bytes) -> bytes:
    """Return the ciphertext with everything that it names. The id is a UUID."""
    head = bytes((_PADDINGS[cipher.padding], _ALGORITHMS[cipher.algorithm]))
    return _MAGIC + head + key_version_id.encode() + iv + ciphertext


def unpack(blob: bytes) -> BlobParts | None:
    """Return what a ciphertext names; None for one that names nothing, such as that of Encrypt."""
    match = _HEAD.match(blob)
    if match is None:
        return None
    padding = next(name for name, code in _PADDINGS.items() if code == match[1][0])
    algorithm = next(name for name, code in _ALGORITHMS.items() if code == match[2][0])
    return BlobParts(padding, algorithm, match[3].decode(), blob[match.end() :])
