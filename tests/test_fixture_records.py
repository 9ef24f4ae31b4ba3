"""Every field of every record is in its fixture document: a saved and loaded store has equal records, field by field.

The samples of `tests/support/record_samples.py` give every field a value that is not its default. That they notice a
forgotten field is proved for each field of each document: left out of a snapshot, it makes the records differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Struct, structs

from kms_mock import fixtures
from kms_mock.control.clock import Clock
from kms_mock.crypto import material
from kms_mock.defaults import DEFAULT_ACCOUNT, DEFAULT_REGION
from kms_mock.fixtures import documents
from kms_mock.fixtures.access import NetworkRuleDocument
from kms_mock.fixtures.base import Document, Section
from kms_mock.fixtures.certificates import CertificateDocument
from kms_mock.fixtures.documents import Identities, OwnDocument, Resources
from kms_mock.fixtures.files import FixtureDocument
from kms_mock.fixtures.keys import KeyDocument
from kms_mock.fixtures.secrets import SecretDocument
from kms_mock.identity.accounts import accounts, settings
from kms_mock.kms.model.access import AccessPoint, NetworkRule
from kms_mock.kms.model.attestation import ChallengeKey, challenge_keys
from kms_mock.kms.model.import_token import ImportToken, import_tokens
from kms_mock.kms.model.rates import RequestCount, request_counts
from kms_mock.kms.model.sealing import service_keys
from kms_mock.kms.model.secret import RecentRotations, recent_rotations
from kms_mock.persistence.state import State
from kms_mock.products import APIS
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store
from tests.support.record_samples import filled_store
from tests.support.records import records_of
from tests.support.state_files import contents

# Kinds of records that no fixture document holds, and why.
NOT_SAVED: Mapping[Resource[Any], str] = {
    challenge_keys: "a server makes its own",
    import_tokens: "they live for a day at most",
    recent_rotations: "they matter for an hour",
    request_counts: "they matter for a second",
    service_keys: "each store encrypts anew",
}

# Fields of records that every sample leaves at their default, and why.
UNSET: Mapping[tuple[type[Struct], str], str] = {
    (NetworkRule, "type"): "Private is the only value",
    (AccessPoint, "method"): "ClientKey is the only value",
}

# Fields of documents that a snapshot never has, and why.
NEVER_SAVED: Mapping[tuple[type[Document], str], str] = {
    (KeyDocument, "material"): "short for a single version",
    (SecretDocument, "value"): "short for a single version",
    (CertificateDocument, "subject"): "for a signing request to be made",
    (CertificateDocument, "alternative_names"): "for a signing request to be made",
    (NetworkRuleDocument, "type"): "there is one value",
    (FixtureDocument, "format"): "there is one version of the format",
    (FixtureDocument, "masked"): "a snapshot has every value; only the control API masks them",
    **{
        (FixtureDocument, field): "short for a region of the default account" for field in OwnDocument.__struct_fields__
    },
}


def restored(document: Mapping[str, Any]) -> Store:
    """Return a new store with what a document describes."""
    store = Store(filled_store().sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
    fixtures.load(store, document)
    return store


def unequal_fields(before: Store, after: Store) -> list[str]:
    """Return the records and fields in which two stores differ."""
    old, new = records_of(before), records_of(after)
    found = [f"{place} is only in one of them" for place in old.keys() ^ new.keys()]
    found += [
        f"{name} of {place}"
        for place in old.keys() & new.keys()
        for name, value in old[place].items()
        if new[place][name] != value
    ]
    same = before.server[settings].get("") == after.server[settings].get("")
    return found if same else [*found, "authentication settings"]


def structs_in(value: Any) -> Iterator[Struct]:
    """Yield every struct in a value, at any depth."""
    if isinstance(value, Struct):
        yield value
        for name in value.__struct_fields__:
            yield from structs_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from structs_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from structs_in(item)


def has_default(record: Struct, field: structs.FieldInfo) -> bool:
    """Return whether a field has a default and this record leaves it there."""
    if field.default_factory is not msgspec.NODEFAULT:
        return bool(getattr(record, field.name) == field.default_factory())
    return field.default is not msgspec.NODEFAULT and getattr(record, field.name) == field.default


def test_there_is_a_sample_of_every_kind_of_record() -> None:
    """Each kind of record that a product or the identity declares is in the samples, or is excused with a reason."""
    declared = {resource for api in APIS for resource in api.resources} | {accounts, settings}
    sampled = {
        resource
        for partition in filled_store().state().partitions.values()
        for resource in partition.tables
        if resource not in NOT_SAVED
    }
    assert sampled == declared - set(NOT_SAVED)


def test_the_samples_set_every_field() -> None:
    """In the samples each field of each record, at any depth, differs from its default somewhere."""
    unset: set[tuple[type[Struct], str]] = set()
    is_set: set[tuple[type[Struct], str]] = set()
    for partition in filled_store().state().partitions.values():
        for resource, table in partition.tables.items():
            for record in structs_in(table.records if resource not in NOT_SAVED else {}):
                for field in structs.fields(record):
                    (unset if has_default(record, field) else is_set).add((type(record), field.name))
    assert unset - is_set == set(UNSET)


def test_records_are_equal_after_saving_and_loading() -> None:
    """A snapshot of the samples loads to equal records, as a document and as JSON."""
    store = filled_store()
    document = fixtures.snapshot(store)
    assert unequal_fields(store, restored(document)) == []
    assert unequal_fields(store, restored(json.loads(json.dumps(document)))) == []
    assert fixtures.snapshot(restored(document)) == document


def test_records_are_equal_after_a_restart(tmp_path: Path) -> None:
    """A state file has every record of every kind, those that no fixture document holds too, field by field."""
    store = filled_store()
    put_passing(store)
    resources: list[Resource[Any]] = [accounts, settings, *(resource for api in APIS for resource in api.resources)]
    assert {resource for partition in store.state().partitions.values() for resource in partition.tables} == set(
        resources
    )
    store.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)[request_counts].remove(
        RequestCount("cn-hangzhou", "Encrypt", 1.5, 3)
    )  # not saved
    expected, records, indexes = contents(store), all_records(store), indexes_of(store)
    after = Store(store.sources, DEFAULT_ACCOUNT, DEFAULT_REGION)
    for each in (store, after):
        state = State(tmp_path / "state.db", each, Clock(each.sources.now), resources)
        state.open()
        state.close()
    assert contents(after) == expected
    for before, found in zip(structs_in(records), structs_in(all_records(after)), strict=True):
        for name in before.__struct_fields__:
            assert getattr(found, name) == getattr(before, name), f"{type(before).__name__}.{name}"
    for index_before, index_after in zip(indexes, indexes_of(after), strict=True):
        assert index_after == index_before


def put_passing(store: Store) -> None:
    """Put one of each kind that no fixture document holds, with a value in each field."""
    partition = store.partition(DEFAULT_ACCOUNT, DEFAULT_REGION)
    pair = material.generate("EC_P256", store.sources.stream())
    partition[import_tokens].put(ImportToken("token", "key", "arn", pair, "RSAES_OAEP_SHA_1", 5.5))
    partition[recent_rotations].put(RecentRotations((1.5, 2.5)))
    partition[request_counts].put(RequestCount("cn-hangzhou", "Encrypt", 1.5, 3))
    store.server[challenge_keys].put(ChallengeKey(pair))


def all_records(store: Store) -> list[Any]:
    """Return every record, in order."""
    return [record for records in contents(store).values() for _, record in records]


def indexes_of(store: Store) -> list[Any]:
    """Return every index of every table."""
    return [table.indexes for found in store.partitions() for table in found.state().tables.values()]


def document_types(base: type[Document] = Document) -> Iterator[type[Document]]:
    """Yield every type of document that stands in files."""
    for found in base.__subclasses__():
        if found not in (Identities, OwnDocument, Resources):
            yield found
        yield from document_types(found)


# A field without a default cannot be forgotten: a document is not made without it.
OPTIONAL = [
    pytest.param(found, field, id=f"{found.__name__}-{field.name}")
    for found in document_types()
    for field in structs.fields(found)
    if not field.required and (found, field.name) not in NEVER_SAVED
]


@pytest.mark.parametrize(("kind", "field"), OPTIONAL)
def test_a_field_that_is_forgotten_in_a_snapshot_is_noticed(kind: type[Document], field: structs.FieldInfo) -> None:
    """Without this field the snapshot loads to other records, or not at all."""
    store = filled_store()
    document = msgspec.convert(fixtures.snapshot(store), FixtureDocument)
    holders = [found for found in structs_in(document) if type(found) is kind]
    assert any(not has_default(found, field) for found in holders), "no sample has it: extend record_samples.py"
    for found in holders:
        default = field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        setattr(found, field.name, default)
    try:
        after = restored(msgspec.to_builtins(document))
    except fixtures.FixtureError:
        return
    assert unequal_fields(store, after) != []


def test_the_excused_fields_are_never_in_a_snapshot() -> None:
    """What is excused from the proof is at its default in the snapshot of every sample."""
    document = msgspec.convert(fixtures.snapshot(filled_store()), FixtureDocument)
    for found in structs_in(document):
        for field in structs.fields(found):
            excused = (type(found), field.name) in NEVER_SAVED
            assert not excused or has_default(found, field), f"{type(found).__name__}.{field.name}"


def forgetting(save: Callable[..., Document], field: str, value: Any) -> Callable[..., Document]:
    """Return a save function that forgets a field."""

    def forgetful(*arguments: Any) -> Document:
        return structs.replace(save(*arguments), **{field: value})

    return forgetful


@pytest.mark.parametrize("section", [section.name for section in documents.SECTIONS])
def test_a_save_function_that_forgets_a_field_fails(monkeypatch: pytest.MonkeyPatch, section: str) -> None:
    """The comparison notices what a save function leaves out: here the time of creation, or a renewal's period."""
    field, value = ("period", None) if section == "renewals" else ("created", "now")

    def mutated(found: Section) -> Section:
        return structs.replace(found, save=forgetting(found.save, field, value)) if found.name == section else found

    store = filled_store()
    monkeypatch.setattr(documents, "SECTIONS", tuple(map(mutated, documents.SECTIONS)))
    after = restored(fixtures.snapshot(store))
    assert [line for line in unequal_fields(store, after) if line.startswith(f"{field} of")] != []


def test_a_document_stays_its_author_s() -> None:
    """Records share nothing with the document that was loaded: neither changes with the other, and it loads again."""
    document = fixtures.snapshot(filled_store())
    text = json.dumps(document)
    store = restored(document)
    before = json.dumps(fixtures.snapshot(store))
    assert json.dumps(document) == text
    empty(document)
    assert json.dumps(fixtures.snapshot(store)) == before


def empty(tree: Any) -> None:
    """Take everything out of all lists and mappings of a document."""
    for item in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(item, dict | list):
            empty(item)
    tree.clear()
