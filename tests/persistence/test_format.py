"""The format of the file: its number, what belongs to it, and how older files become files of this one."""

from __future__ import annotations

import logging
import zlib
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from msgspec import Struct, structs

from kms_mock import StateError
from kms_mock.control.clock import Clock
from kms_mock.identity.accounts import accounts, settings
from kms_mock.persistence.migrations import FORMAT, Format
from kms_mock.persistence.state import State
from kms_mock.products import APIS
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store
from tests.support.record_samples import filled_store
from tests.support.state_files import contents, database

RESOURCES: tuple[Resource[Any], ...] = (
    accounts,
    settings,
    *(resource for api in APIS for resource in api.resources if resource.saved),
)
# What stands in a file of each format: a line for each field of each record, with its type.
SHAPES = Path(__file__).parents[1] / "data" / "state_formats"


def state_of(path: Path, store: Store, file_format: Format = FORMAT) -> State:
    """Return the state in a file, opened."""
    state = State(path, store, Clock(store.sources.now), RESOURCES, file_format=file_format)
    state.open()
    return state


def type_text(kind: Any) -> str:
    """Return a type as every version of Python writes it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return f"Literal[{', '.join(sorted(arguments))}]"
    if origin in (Union, UnionType):
        return " | ".join(sorted(map(type_text, arguments)))
    if arguments:
        return f"{origin.__name__}[{', '.join(map(type_text, arguments))}]"
    if kind in (..., NoneType):
        return "..." if kind is ... else "None"
    return str(getattr(kind, "__name__", kind))


def structs_within(kind: Any) -> set[type[Struct]]:
    """Return the structs that a type consists of, at any depth."""
    waiting, found = [kind], set()
    while waiting:
        kind = waiting.pop()
        waiting += get_args(kind)
        if isinstance(kind, type) and issubclass(kind, Struct) and kind not in found:
            found.add(kind)
            waiting += get_type_hints(kind).values()
    return found


def shape() -> list[str]:
    """Return what stands in a file."""
    return sorted(
        f"{kind.__name__}.{field.encode_name}: {type_text(field.type)}"
        for kind in {kind for resource in RESOURCES for kind in structs_within(resource.record)}
        for field in structs.fields(kind)
    )


def test_a_change_of_a_record_needs_a_new_number() -> None:
    """Whoever changes a record's fields raises FORMAT, writes the step from the former one, and adds the new shape.

    A file of an older number is read by a newer kms-mock, never the other way round: it would lose what it does not know.
    """
    known = sorted(int(found.stem) for found in SHAPES.iterdir())
    assert known == list(range(1, FORMAT.number + 1))
    assert len(FORMAT.steps) == FORMAT.number - 1
    assert shape() == (SHAPES / f"{FORMAT.number}.txt").read_text("utf-8").splitlines()


def test_the_shape_is_that_of_all_records() -> None:
    """It sees the fields of records and of what is in them at any depth, with their types."""
    found = set(shape())
    assert "Sealed.key_version_id: None | str" in found
    assert "KeyVersion.material: KeyMaterial | None" in found
    assert "Secret.versions: dict[str, SecretVersion]" in found
    assert "Instance.bound_vpcs: tuple[BoundVpc, ...]" in found
    assert "BoundVpc.vpc: str" in found
    assert type_text(Annotated[Literal["b", "a"], 1]) == "Literal[a, b]"


def test_kinds_have_names_of_their_own() -> None:
    """A kind is called by its class in the file: two classes of one name would be one kind."""
    assert len({resource.record.__name__ for resource in RESOURCES}) == len(set(RESOURCES))


def to_second(kind: str, tree: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Undo what `older` did to aliases; renewals go."""
    if kind == "OldAlias":
        tree["name"] = tree.pop("title")
        return "Alias", tree
    return None if kind == "Renewal" else (kind, tree)


def to_third(kind: str, tree: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Descriptions of secrets get a suffix."""
    if kind == "Secret":
        tree["description"] += " (migrated)"
    return kind, tree


def written_with(path: Path, rename: bool) -> dict[Any, Any]:
    """Write the samples in format 1, with aliases as a former kind if they are to be renamed; return what they are."""
    store = filled_store()
    state = state_of(path, store)
    state.close()
    if rename:
        with database(path) as connection:
            rows = connection.execute("SELECT number, account, region, id, data FROM records WHERE kind = 'Alias'")
            for number, account, region, record_id, data in rows.fetchall():
                tree = msgspec.msgpack.decode(data)
                tree["title"] = tree.pop("name")
                packed, name = msgspec.msgpack.encode(tree), f"{account}\0{region}\0OldAlias\0{record_id}".encode()
                connection.execute(
                    "UPDATE records SET kind = 'OldAlias', data = ?, checksum = ? WHERE number = ?",
                    (packed, zlib.crc32(packed, zlib.crc32(name)), number),
                )
    return contents(store)


def empty_store() -> Store:
    """Return a store with the clock of the samples."""
    return Store(filled_store().sources, "1", "cn-hangzhou")


def test_an_older_file_is_migrated(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Steps rename kinds and fields, change values and drop records, one after the other; the file has the new number."""
    path = tmp_path / "state.db"
    expected = written_with(path, rename=True)
    third = Format(3, (to_second, to_third))
    store = empty_store()
    with caplog.at_level(logging.INFO):
        state_of(path, store, third).close()
    assert f"the state file {path} has format 3 now" in caplog.messages
    for (place, kind), records in expected.items():
        found = contents(store).get((place, kind))
        if kind == "Renewal":
            assert found is None
        elif kind == "Secret":
            assert found == [
                (name, structs.replace(record, description=f"{record.description} (migrated)"))
                for name, record in records
            ]
        else:
            assert found == records
    again = empty_store()
    state_of(path, again, third).close()
    assert contents(again) == contents(store)
    with database(path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    with pytest.raises(StateError, match=r"newer kms-mock \(format 3, and this one knows 1\)"):
        state_of(path, empty_store())


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """What the steps make of a file is read before a byte of it is written."""
    path = tmp_path / "state.db"
    written_with(path, rename=True)
    before = path.read_bytes()
    with pytest.raises(StateError, match="is damaged"):
        state_of(path, empty_store(), Format(2, (lambda kind, tree: (kind, tree),)))
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"\xc1", msgspec.msgpack.encode(msgspec.msgpack.Ext(9, b"x"))])
def test_a_migration_that_cannot_read_a_record(tmp_path: Path, data: bytes) -> None:
    """Its bytes are no MessagePack, or not ours, though their checksum is right: the file is damaged."""
    path = tmp_path / "state.db"
    written_with(path, rename=False)
    with database(path) as connection:
        number, *names = connection.execute("SELECT number, account, region, kind, id FROM records").fetchone()
        checksum = zlib.crc32(data, zlib.crc32("\0".join(names).encode()))
        connection.execute("UPDATE records SET data = ?, checksum = ? WHERE number = ?", (data, checksum, number))
    with pytest.raises(StateError, match="is damaged"):
        state_of(path, empty_store(), Format(2, (lambda kind, tree: (kind, tree),)))


def test_a_migration_without_room_changes_nothing(tmp_path: Path) -> None:
    """On a full disk the file keeps its format and its records, and can be opened as before."""
    resource = pytest.importorskip("resource")
    path = tmp_path / "state.db"
    expected = written_with(path, rename=False)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(StateError, match="cannot be written"):
            state_of(path, empty_store(), Format(2, (lambda kind, tree: (kind, tree),)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    store = empty_store()
    state_of(path, store).close()
    assert contents(store) == expected


def test_kinds_that_a_server_does_not_have(tmp_path: Path) -> None:
    """A server with fewer products does not drop the others' records: it does not start."""
    path = tmp_path / "state.db"
    state_of(path, filled_store()).close()
    few = State(path, empty_store(), Clock(lambda: 0.0), (accounts, settings))
    with pytest.raises(StateError, match="a kind that this server does not have"):
        few.open()
