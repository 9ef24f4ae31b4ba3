"""Aliases of keys: create, rebind, delete, list (behaviour.md 4)."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock.kms import errors, inferred
from kms_mock.kms.context import Context
from kms_mock.kms.model.key import ALIASES_OF_KEY, Alias, Key, aliases
from kms_mock.kms.model.quotas import check_room_for_alias
from kms_mock.kms.operations.results import Empty, Page, page
from kms_mock.kms.parameters import AliasName, KeyId, PageNumber, PageSizeFrom0To100, PageSizeFrom0To101
from kms_mock.rpc.api import operation

_RESERVED = "alias/acs"


class AliasEntry(TypedDict):
    KeyId: str
    AliasArn: str
    AliasName: str


class AliasEntries(TypedDict):
    Alias: list[AliasEntry]


class AliasPage(Page):
    Aliases: AliasEntries


def _entry(alias: Alias) -> AliasEntry:
    return {"KeyId": alias.key_id, "AliasArn": alias.arn, "AliasName": alias.name}


def _key_of_account(ctx: Context, key_id: str) -> Key:
    """Return the key that an alias shall stand for: one of the same account."""
    home = ctx.partition
    key = ctx.key_by_id(key_id)
    if ctx.partition is not home:
        raise errors.KEY_NOT_FOUND("The key is in another account than the alias.")
    return key


@operation(
    "CreateAlias",
    errors=(
        errors.KMS_INVALID_PARAMETER,
        errors.INVALID_ACCESS_KEY_ID,
        errors.KEY_NOT_FOUND,
        errors.KEY_STATE_NOT_MODIFIED,
    ),
    inferred=(inferred.ALIAS_ACCOUNT,),
)
def create_alias(ctx: Context, *, key_id: KeyId, alias_name: AliasName) -> Empty:
    """Bind one more name to a key, unique in this account and region."""
    if alias_name.startswith(_RESERVED):
        raise errors.INVALID_PARAMETER(f"Names that start with {_RESERVED} are reserved.", name="AliasName")
    arn = ctx.arn(alias_name)
    key = _key_of_account(ctx, key_id)
    ctx.authorize(arn)
    key.after("create alias")
    if alias_name in ctx.partition[aliases]:
        raise errors.ALIAS_EXISTS(f"There is an alias {alias_name} already; UpdateAlias binds it to another key.")
    check_room_for_alias(ctx.partition)
    ctx.partition[aliases].put(Alias(alias_name, arn, key.id))
    return {}


@operation(
    "UpdateAlias",
    errors=(errors.KEY_NOT_FOUND, errors.KEY_PENDING_DELETION, errors.THROTTLING),
    inferred=(inferred.ALIAS_ACCOUNT,),
)
def update_alias(ctx: Context, *, key_id: KeyId, alias_name: AliasName) -> Empty:
    """Bind an alias to another key; only the state of that key counts (behaviour.md 1)."""
    alias = ctx.find(aliases, alias_name)
    key = _key_of_account(ctx, key_id).after("bind alias")
    ctx.partition[aliases].put(replace(alias, key_id=key.id))
    return {}


@operation("DeleteAlias", errors=errors.USUAL_TABLE)
def delete_alias(ctx: Context, *, alias_name: AliasName) -> Empty:
    """Remove an alias; the key stays, whatever its state."""
    ctx.partition[aliases].remove(ctx.find(aliases, alias_name))
    return {}


@operation("ListAliases", errors=errors.USUAL_TABLE, container="alias")
def list_aliases(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSizeFrom0To100 = 10) -> AliasPage:
    """List all aliases of this region, in order of creation."""
    found, counts = page(ctx.partition[aliases].values(), page_number, page_size)
    return {"Aliases": {"Alias": [_entry(alias) for alias in found]}, **counts}


@operation("ListAliasesByKeyId", errors=errors.USUAL_TABLE)
def list_aliases_by_key_id(
    ctx: Context, *, key_id: KeyId, page_number: PageNumber = 1, page_size: PageSizeFrom0To101 = 10
) -> AliasPage:
    """List the aliases of one key, in the order in which they were bound to it."""
    key = ctx.key_by_id(key_id)
    names, counts = page(ctx.partition[aliases].ids(ALIASES_OF_KEY, key.id), page_number, page_size)
    return {"Aliases": {"Alias": [_entry(ctx.partition[aliases].find(name)) for name in names]}, **counts}
