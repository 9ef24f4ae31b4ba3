"""Aliases of keys: create, rebind, delete, list (behaviour.md 4)."""

from typing import TypedDict

from msgspec.structs import replace

from kms_mock import errors
from kms_mock.context import Context
from kms_mock.model.key import Alias, Key
from kms_mock.model.quotas import check_room_for_alias
from kms_mock.operation import operation
from kms_mock.operations.shapes import Empty, Page, page
from kms_mock.parameters import AliasName, KeyId, PageNumber, PageSizeFrom0To100, PageSizeFrom0To101

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


def _own_key(ctx: Context, key_id: str) -> Key:
    """Find the key that an alias shall stand for. An alias never leaves its account (`# inferred`)."""
    home = ctx.partition
    key = ctx.key_by_id(key_id)
    if ctx.partition is not home:
        raise errors.KEY_NOT_FOUND("The key is in another account than the alias.")
    return key


@operation(
    "CreateAlias",
    errors=(
        errors.INVALID_PARAMETER_UNNAMED,
        errors.INVALID_ACCESS_KEY_ID,
        errors.KEY_NOT_FOUND,
        errors.KEY_STATE_NOT_MODIFIED,
    ),
)
def create_alias(ctx: Context, *, key_id: KeyId, alias_name: AliasName) -> Empty:
    """Give a key one more name, unique in this account and region."""
    if alias_name.startswith(_RESERVED):
        raise errors.INVALID_PARAMETER(f"Names that start with {_RESERVED} are reserved.", name="AliasName")
    arn = ctx.partition.arn(alias_name)
    key = _own_key(ctx, key_id)
    ctx.authorize(arn)
    key.after("create alias")
    if alias_name in ctx.partition.aliases:
        raise errors.ALIAS_EXISTS(f"There is an alias {alias_name} already; UpdateAlias binds it to another key.")
    check_room_for_alias(ctx.partition)
    ctx.partition.put_alias(Alias(alias_name, arn, key.id, ctx.now))
    return {}


@operation("UpdateAlias", errors=(errors.KEY_NOT_FOUND, errors.KEY_PENDING_DELETION, errors.THROTTLING))
def update_alias(ctx: Context, *, key_id: KeyId, alias_name: AliasName) -> Empty:
    """Bind an alias to another key; only the state of that key counts (behaviour.md 1)."""
    alias = ctx.partition.alias(alias_name)
    ctx.authorize(alias.arn)
    key = _own_key(ctx, key_id).after("bind alias")
    ctx.partition.put_alias(replace(alias, key_id=key.id))
    return {}


@operation("DeleteAlias", errors=(errors.INVALID_PARAMETER_UNNAMED, errors.INVALID_ACCESS_KEY_ID))
def delete_alias(ctx: Context, *, alias_name: AliasName) -> Empty:
    """Remove an alias; the key stays, whatever its state."""
    alias = ctx.partition.alias(alias_name)
    ctx.authorize(alias.arn)
    ctx.partition.remove_alias(alias)
    return {}


_LIST_TABLE = (errors.INVALID_PARAMETER_UNNAMED, errors.INVALID_ACCESS_KEY_ID)


@operation("ListAliases", errors=_LIST_TABLE)
def list_aliases(ctx: Context, *, page_number: PageNumber = 1, page_size: PageSizeFrom0To100 = 10) -> AliasPage:
    """List all aliases of this region, in order of creation."""
    found, counts = page(ctx.partition.aliases.values(), page_number, page_size)
    return {"Aliases": {"Alias": [_entry(alias) for alias in found]}, **counts}


@operation("ListAliasesByKeyId", errors=_LIST_TABLE)
def list_aliases_by_key_id(
    ctx: Context, *, key_id: KeyId, page_number: PageNumber = 1, page_size: PageSizeFrom0To101 = 10
) -> AliasPage:
    """List the aliases of one key, in the order in which they were bound to it."""
    key = ctx.key_by_id(key_id)
    names, counts = page(ctx.partition.aliases_of_key.get(key.id, ()), page_number, page_size)
    return {"Aliases": {"Alias": [_entry(ctx.partition.alias(name)) for name in names]}, **counts}
