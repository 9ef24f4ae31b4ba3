"""Import tokens: what GetParametersForImport hands out besides a public key (behaviour.md 10)."""

from __future__ import annotations

import base64
from hashlib import sha256

from msgspec import Struct

from kms_mock.crypto.material import KeyMaterial
from kms_mock.kms import errors
from kms_mock.sources import Sources
from kms_mock.store.events import Event, Settling
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Index, Resource
from kms_mock.store.times import DAY, iso

LIFETIME = DAY
MAX_TOKENS = 50  # of one key; the oldest goes, because each holds a key pair for a day
_EXPIRY = 8  # bytes of a token's expiry: seconds since 1970 UTC, big-endian
_RANDOM = 16  # random bytes after it
_CHECKSUM = 8  # bytes of a hash of both, and of the key's ARN


class ImportToken(Struct, frozen=True):
    """One token, bound to one key and one wrapping pair; usable any number of times until it expires.

    A checkpoint holds tokens, a snapshot (a fixture document) does not: they are gone within a day.
    """

    text: str
    key_id: str
    key_arn: str
    pair: KeyMaterial
    algorithm: str
    expires: float

    @property
    def due(self) -> float:
        """When it is purged."""
        return self.expires

    def happen(self, partition: Partition, at: float, _settling: Settling) -> Event:
        """Expire."""
        partition[import_tokens].remove(self)
        return Event(at, "import token expired", self.key_arn)


# The id of a token is the token itself, so people read about its key.
TOKENS_OF_KEY = Index[ImportToken](lambda token: (token.key_id,))
import_tokens = Resource(
    ImportToken,
    "import token",
    key=lambda token: token.text,
    indexes=(TOKENS_OF_KEY,),
    label=lambda token: f"import token for key {token.key_id}",
)


def add_token(partition: Partition, token: ImportToken) -> None:
    """Add a token; beyond `MAX_TOKENS` of a key, its oldest ones are removed."""
    table = partition[import_tokens]
    table.put(token)
    for text in table.ids(TOKENS_OF_KEY, token.key_id)[:-MAX_TOKENS]:
        table.remove(table.find(text))


def token_text(key_arn: str, expires: float, sources: Sources) -> str:
    """Make a token's text. It carries its expiry, so that one that was purged is still known as expired."""
    data = int(expires).to_bytes(_EXPIRY, "big") + sources.random_bytes(_RANDOM)
    return base64.b64encode(data + _checksum(data, key_arn)).decode()


def unknown_token(text: str, key_arn: str, now: float) -> errors.ApiError:
    """Make the refusal of a token that is not in the table: EXPIRED_IMPORT_TOKEN or INVALID_IMPORT_TOKEN."""
    try:
        token = base64.b64decode(text, validate=True)
    except ValueError:
        token = b""
    data, checksum = token[: _EXPIRY + _RANDOM], token[_EXPIRY + _RANDOM :]
    expires = int.from_bytes(data[:_EXPIRY], "big")
    if checksum == _checksum(data, key_arn) and expires <= now:
        return errors.EXPIRED_IMPORT_TOKEN(f"The token expired at {iso(expires)}.")
    return errors.INVALID_IMPORT_TOKEN("GetParametersForImport gave no such token.")


def _checksum(data: bytes, key_arn: str) -> bytes:
    # Tells tokens from other text; nothing is gained by making one up.
    return sha256(data + key_arn.encode()).digest()[:_CHECKSUM]
