"""How secret values are kept: encrypted under the secret's key, or under a key of the service."""

from __future__ import annotations

from msgspec import Struct

from kms_mock.crypto import material as key_material
from kms_mock.crypto import symmetric
from kms_mock.crypto.envelope import NONCE_LENGTH
from kms_mock.crypto.material import KeyMaterial
from kms_mock.crypto.specs import KEY_SPECS
from kms_mock.kms.model.key import keys
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Resource


class Sealed(Struct, frozen=True, gc=False):
    """An encrypted secret value, under a version of the secret's key or under the partition's service key."""

    nonce: bytes
    body: bytes
    key_version_id: str | None = None


class ServiceKey(Struct, frozen=True):
    """The key that protects the secret values of one partition for which the user named no key."""

    material: KeyMaterial


service_keys = Resource(ServiceKey, "service key", key=lambda _: "", logged=False)


def seal(
    partition: Partition, secret_name: str, version_id: str, data: bytes, key_id: str | None, *, at_rest: bool = False
) -> Sealed:
    """Encrypt the value of a version of a secret.

    `at_rest` is for fixture files: it does not ask whether the key's state allows its use now.
    """
    nonce = partition.store.sources.random_bytes(NONCE_LENGTH)
    aad = _value_aad(secret_name, version_id)
    if key_id is None:
        return Sealed(nonce, symmetric.seal(_service_key(partition), nonce, data, aad))
    key = partition[keys].find(key_id)
    material = key.stored_material() if at_rest else key.material()
    return Sealed(nonce, symmetric.seal(material, nonce, data, aad), key.primary_version)


def unseal(
    partition: Partition,
    secret_name: str,
    version_id: str,
    sealed: Sealed,
    key_id: str | None,
    *,
    at_rest: bool = False,
) -> bytes:
    """Decrypt the value of a version. A key that is disabled or deleted refuses as it does in Decrypt."""
    if key_id is None:
        material = _service_key(partition)
    else:
        key = partition[keys].find(key_id)
        material = (key.stored_material if at_rest else key.material)(sealed.key_version_id)
    return symmetric.unseal(material, sealed.nonce, sealed.body, _value_aad(secret_name, version_id))


def _service_key(partition: Partition) -> KeyMaterial:
    found = partition[service_keys].get("")
    if found is None:
        found = ServiceKey(key_material.generate(KEY_SPECS["Aliyun_AES_256"], partition.sources.random_bytes))
        partition[service_keys].put(found)
    return found.material


def _value_aad(secret_name: str, version_id: str) -> bytes:
    # Bound to its place: a value copied to another secret or version does not open.
    return f"{secret_name}\0{version_id}".encode()
