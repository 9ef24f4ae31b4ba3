"""Client keys: the credentials with which an application signs its requests to a KMS instance."""

from collections.abc import Callable
from typing import TypedDict

from msgspec import Struct
from msgspec.structs import replace

from kms_mock.crypto import material as key_material
from kms_mock.crypto import pem
from kms_mock.crypto.randomness import RandomBytes
from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.access import (
    CLIENT_KEY_SPEC,
    LIFETIME_YEARS,
    MAX_CLIENT_KEYS,
    AccessPoint,
    ClientKey,
    access_points,
    certificate_of_client_key,
    find_client_key,
)
from kms_mock.kms.operations.results import Empty
from kms_mock.kms.parameters import AccessName, AccessPointName, ClientKeyPassword, UtcTime
from kms_mock.rpc.api import operation
from kms_mock.store.times import iso, years_later

_ORIGIN = "KMS_PROVIDED"


class CreatedClientKey(TypedDict):
    ClientKeyId: str
    KeyAlgorithm: str
    PrivateKeyData: bytes
    NotBefore: str
    NotAfter: str


class ClientKeyDetails(TypedDict):
    ClientKeyId: str
    AapName: str
    KeyAlgorithm: str
    KeyOrigin: str
    PublicKeyData: str
    CreateTime: str
    NotBefore: str
    NotAfter: str


class ClientKeys(TypedDict):
    ClientKeys: list[ClientKeyDetails]


class Issued(Struct, frozen=True):
    """A new client key, and the private half, which only this answer carries."""

    client_key: ClientKey
    private_key_data: bytes

    def __repr__(self) -> str:
        return f"Issued({self.client_key.id})"


def _details(point: AccessPoint, client_key: ClientKey) -> ClientKeyDetails:
    return {
        "ClientKeyId": client_key.id,
        "AapName": point.name,
        "KeyAlgorithm": CLIENT_KEY_SPEC,
        "KeyOrigin": _ORIGIN,
        "PublicKeyData": client_key.certificate,
        "CreateTime": iso(client_key.created),
        "NotBefore": iso(client_key.not_before),
        "NotAfter": iso(client_key.not_after),
    }


def _point_with_room(ctx: Context, name: str) -> AccessPoint:
    point = ctx.find(access_points, name)
    if len(point.client_keys) >= MAX_CLIENT_KEYS:
        raise errors.LIMIT_EXCEEDED(f"Application access point {name} has {MAX_CLIENT_KEYS} client keys, the most.")
    return point


def _validity(ctx: Context, not_before: float | None, not_after: float | None) -> tuple[float, float]:
    """Return from when to when a client key is valid: both as asked for, or from now on for five years."""
    if not_before is None and not_after is None:
        return float(int(ctx.now)), years_later(int(ctx.now), LIFETIME_YEARS)
    if not_before is None or not_after is None:
        missing = "NotBefore" if not_before is None else "NotAfter"
        raise errors.INVALID_PARAMETER("NotBefore and NotAfter come together or not at all.", name=missing)
    if not_after <= not_before:
        raise errors.INVALID_PARAMETER("NotAfter is later than NotBefore.", name="NotAfter")
    return not_before, not_after


def _issue(
    ctx: Context, *, aap_name: str, password: str, not_before: float | None = None, not_after: float | None = None
) -> Callable[[], Issued]:
    """Return the work that makes a client key; a request that will be refused makes none."""
    _point_with_room(ctx, aap_name)
    validity = _validity(ctx, not_before, not_after)
    # What follows from chance is drawn here, on the event loop: seeded runs repeat whatever threads do.
    blank = ClientKey(f"KAAP.{ctx.sources.new_id()}", ctx.now, "", *validity)
    serial, stream = ctx.sources.random_bytes(16), ctx.sources.stream()
    return lambda: _issued(blank, serial, password, stream)


def _issued(blank: ClientKey, serial: bytes, password: str, stream: RandomBytes | None) -> Issued:
    from kms_mock.crypto import pkcs12  # noqa: PLC0415 (few runs make a client key)

    pair = key_material.generate(CLIENT_KEY_SPEC, stream)
    certificate = certificate_of_client_key(blank.id, pair, serial, (blank.not_before, blank.not_after))
    data = pkcs12.make(password, pair.to_bytes(), pem.decode(certificate), stream)
    return Issued(replace(blank, certificate=certificate), data)


@operation(
    "CreateClientKey",
    prepare=_issue,
    errors=(errors.KMS_INVALID_PARAMETER, errors.ACCESS_NOT_FOUND, errors.LIMIT_EXCEEDED),
    inferred=(
        inferred.NO_TABLE,
        "NotAfter must be later than NotBefore.",
        "The subject of the certificate is the id of the client key: nobody published what the service writes there.",
    ),
)
def create_client_key(
    ctx: Context,
    *,
    aap_name: AccessPointName,
    password: ClientKeyPassword,
    not_before: UtcTime | None = None,
    not_after: UtcTime | None = None,
) -> CreatedClientKey:
    """Make a client key: an RSA key pair with its certificate, as a PKCS #12 file that the password opens."""
    issued: Issued = ctx.prepared
    point = _point_with_room(ctx, aap_name)  # meanwhile the access point may have been deleted, or filled up
    client_key = issued.client_key
    client_keys = {**point.client_keys, client_key.id: client_key}
    ctx.partition[access_points].put(replace(point, client_keys=client_keys))
    return {
        "ClientKeyId": client_key.id,
        "KeyAlgorithm": CLIENT_KEY_SPEC,
        "PrivateKeyData": issued.private_key_data,
        "NotBefore": iso(client_key.not_before),
        "NotAfter": iso(client_key.not_after),
    }


@operation("GetClientKey", errors=(errors.ACCESS_NOT_FOUND,), inferred=(inferred.CLIENT_KEY_ARN,))
def get_client_key(ctx: Context, *, client_key_id: AccessName) -> ClientKeyDetails:
    """Describe one client key; its public half is the certificate."""
    point, client_key = _client_key(ctx, client_key_id)
    return _details(point, client_key)


def _client_key(ctx: Context, client_key_id: str) -> tuple[AccessPoint, ClientKey]:
    point, client_key = find_client_key(ctx.partition, client_key_id)
    ctx.authorize(point.arn)
    return point, client_key


@operation(
    "ListClientKeys",
    errors=(errors.ACCESS_NOT_FOUND,),
    inferred=(inferred.NO_TABLE, "Without AapName the client keys of all access points are listed."),
)
def list_client_keys(ctx: Context, *, aap_name: AccessPointName | None = None) -> ClientKeys:
    """List the client keys of an access point, or of all, in order of creation; there are no pages."""
    points = ctx.partition[access_points].values() if aap_name is None else [ctx.find(access_points, aap_name)]
    return {
        "ClientKeys": [_details(point, client_key) for point in points for client_key in point.client_keys.values()]
    }


@operation(
    "DeleteClientKey",
    errors=(*errors.USUAL_TABLE, errors.ACCESS_NOT_FOUND),
    inferred=(
        "The published table has no code for a missing client key: it is that of the other operations.",
        inferred.CLIENT_KEY_ARN,
    ),
)
def delete_client_key(ctx: Context, *, client_key_id: AccessName) -> Empty:
    """Delete one client key."""
    point, client_key = _client_key(ctx, client_key_id)
    rest = {name: kept for name, kept in point.client_keys.items() if name != client_key.id}
    ctx.partition[access_points].put(replace(point, client_keys=rest))
    return {}
