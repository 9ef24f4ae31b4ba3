"""A request that was refused, or that was only a dry run, leaves nothing behind, whatever its handler did before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import TypedDict

import pytest
from msgspec import Struct

from kms_mock import KmsMock
from kms_mock.rpc.api import Api, operation
from kms_mock.rpc.context import Context
from kms_mock.rpc.errors import NO_PERMISSION
from kms_mock.store.partition import Partition
from kms_mock.store.resource import Index, Resource, Table
from tests.support.calls import last_call
from tests.support.raw_http import Answer, ask, http

VERSION = "2026-01-01"


class Book(Struct, frozen=True):
    """A record with a unique value, and one that others have too."""

    id: str
    number: str
    shelf: str = "new"


class Mark(Struct, frozen=True):
    """A record that cannot exist without another."""

    id: str
    book: str


def _remove_marks(partition: Partition, book: Book) -> None:
    for name in partition[marks].ids(BOOK, book.id):
        partition[marks].remove(partition[marks].find(name))


NUMBER = Index[Book](lambda book: (book.number,), unique=True)
SHELF = Index[Book](lambda book: (book.shelf,))
BOOK = Index[Mark](lambda mark: (mark.book,))
books = Resource(Book, "book", indexes=(NUMBER, SHELF), on_remove=_remove_marks)
marks = Resource(Mark, "mark", indexes=(BOOK,))


class Nothing(TypedDict):
    """An answer that is only a RequestId."""


def _change_everything(ctx: Context) -> None:
    """Create, replace and remove records, one of them twice, one with what depends on it, one in another region."""
    table = ctx.partition[books]
    table.put(Book("c", "3"))
    table.put(Book("a", "1", "old"))
    table.put(Book("a", "11", "new"))
    table.remove(table.find("b"))
    table.put(Book("b", "1"))
    ctx.store.partition(ctx.caller.account, "cn-beijing")[books].put(Book("far", "9"))


@operation("Rearrange", dry_run=True)
def rearrange(ctx: Context) -> Nothing:
    """Change much."""
    _change_everything(ctx)
    return {}


@operation("RefuseLate", errors=(NO_PERMISSION,))
def refuse_late(ctx: Context) -> Nothing:
    """Refuse after changes."""
    _change_everything(ctx)
    raise NO_PERMISSION("too late")


@operation("FailLate")
def fail_late(ctx: Context) -> Nothing:
    """Fail after changes, as a bug does."""
    _change_everything(ctx)
    raise RuntimeError("a bug")


@operation("Extend", errors=(NO_PERMISSION,))
def extend(ctx: Context, *, refuse: bool = False) -> Nothing:
    """Add and replace, without removing; then perhaps refuse."""
    table = ctx.partition[books]
    table.put(Book("c", "3"))
    table.put(Book("a", "11", "new"))
    if refuse:
        raise NO_PERMISSION("too late")
    return {}


API = Api("Books", VERSION, resources=[books, marks])
for declared in (rearrange, refuse_late, fail_late, extend):
    API.add(declared)


@pytest.fixture
def kms() -> Iterator[KmsMock]:
    """A mock with two books and a mark in one of them."""
    with KmsMock(apis=(API,)) as running:
        here = home(running)
        here[books].put(Book("a", "1"))
        here[books].put(Book("b", "2"))
        here[marks].put(Mark("m", "b"))
        running.store.commit()
        yield running


def home(kms: KmsMock) -> Partition:
    return kms.store.partition(kms.config.account, kms.config.default_region)


def asked(kms: KmsMock, action: str, **parameters: str) -> Answer:
    return ask(kms, http("POST", form={"Action": action, "Version": VERSION, **parameters}))


def leads(table: Table[Book]) -> dict[str, object]:
    """Return what the indexes of books lead to, for every value that a test uses."""
    numbers: dict[str, object] = {value: table.owner(NUMBER, value) for value in ("1", "11", "2", "3")}
    return numbers | {value: set(table.ids(SHELF, value)) for value in ("new", "old")}


def errors_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    ("action", "parameters", "status", "log"),
    [
        ("RefuseLate", {}, 403, []),
        ("FailLate", {}, 500, ["internal error, request id"]),
        ("Rearrange", {"DryRun": "true"}, 400, ["a dry run of Rearrange changed something: it is undone"]),
    ],
)
def test_what_a_handler_did_is_undone(
    kms: KmsMock,
    caplog: pytest.LogCaptureFixture,
    *,
    action: str,
    parameters: dict[str, str],
    status: int,
    log: list[str],
) -> None:
    """After a refusal, a bug or a dry run the records, the indexes and the journal are as before; a bug is logged."""
    before, led = kms.store.state(), leads(home(kms)[books])
    answer = asked(kms, action, **parameters)
    assert answer.status == status
    after = kms.store.state()
    assert after.partitions.keys() == before.partitions.keys()
    for place in before.partitions:
        records = {resource: state.records for resource, state in before.tables(place).items()}
        assert {resource: state.records for resource, state in after.tables(place).items()} == records
    assert leads(home(kms)[books]) == led
    assert home(kms)[marks].ids(BOOK, "b") == ("m",)
    assert last_call(kms).changes == []
    assert kms.store.changes == []
    logged = errors_in(caplog)
    assert len(logged) == len(log)
    assert all(line.startswith(start) for line, start in zip(logged, log, strict=True))


def test_without_dry_run_or_refusal_the_same_changes_stay(kms: KmsMock) -> None:
    """The handler of these tests really changes something."""
    assert asked(kms, "Rearrange").status == 200
    assert [book.id for book in home(kms)[books].values()] == ["a", "c", "b"]
    assert leads(home(kms)[books])["1"] == Book("b", "1")
    assert len(home(kms)[marks]) == 0
    assert last_call(kms).changes[0] == "created book c"


def test_the_order_of_creation_survives_what_added_and_replaced(kms: KmsMock) -> None:
    """Undoing new and replaced records keeps the order of creation of the others, in the table and in each index."""
    before = kms.store.state()
    assert asked(kms, "Extend", Refuse="true").status == 403
    assert kms.store.state() == before
    assert list(home(kms)[books]) == ["a", "b"]
    assert home(kms)[books].ids(SHELF, "new") == ("a", "b")
    assert asked(kms, "Extend").status == 200
    assert list(home(kms)[books]) == ["a", "b", "c"]


def test_a_removed_record_comes_back_as_the_last_one(kms: KmsMock) -> None:
    """The one trace of a taken-back removal: the record is at the end of the order of creation (`Table.undo`)."""
    home(kms)[books].put(Book("z", "26"))
    kms.store.commit()
    assert asked(kms, "RefuseLate").status == 403
    assert list(home(kms)[books]) == ["a", "z", "b"]
