"""What a program asked for that did not exist, as the fixture document that would have satisfied it.

What the program makes or deletes itself is not missing: it may well ask first whether it is there.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from kms_mock import fixtures
from kms_mock.control.calls import Call
from kms_mock.crypto.specs import ENCRYPT_DECRYPT, GENERATE_VERIFY_MAC, KEY_SPECS, SIGN_VERIFY
from kms_mock.fixtures import FixtureError
from kms_mock.identity.callers import account_of_caller
from kms_mock.importing.made_up import any_value
from kms_mock.kms import API
from kms_mock.kms.errors import ALIAS_NOT_FOUND, KEY_NOT_FOUND, KEY_VERSION_NOT_FOUND, SECRET_NOT_FOUND
from kms_mock.kms.model.key import aliases, keys
from kms_mock.kms.model.secret import CURRENT, MAX_STAGES, MAX_VERSIONS, secrets
from kms_mock.kms.parameters import SecretRequest
from kms_mock.store.changes import Change, Place
from kms_mock.store.resource import Resource
from kms_mock.store.store import Store

Entry = dict[str, Any]
Asked = tuple[str, str]  # the id of a version and a stage; "" for any

MAX_TARGETS = 20_000  # a program that asks for ever takes no more memory
_ARN = re.compile(r"acs:kms:([a-z0-9-]+):([0-9]+):(key|alias|secret)/(.+)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MADE_UP_VERSION = "recorded-"  # not an id that a program is likely to give a version of its own
_NO_KEY = frozenset(spec.code for spec in (KEY_NOT_FOUND, ALIAS_NOT_FOUND, KEY_VERSION_NOT_FOUND))


def _specs_by_algorithm() -> dict[str, tuple[str, str]]:
    """Return for each algorithm the first key spec that has it, with the usage that it needs."""
    found: dict[str, tuple[str, str]] = {}
    for spec in KEY_SPECS.values():
        for usage, algorithms in (
            (SIGN_VERIFY, spec.signature_algorithms),
            (ENCRYPT_DECRYPT, spec.encryption_algorithms),
            (GENERATE_VERIFY_MAC, spec.mac_algorithms),
        ):
            for algorithm in algorithms:
                found.setdefault(algorithm, (spec.name, usage))
    return found


_SPECS = _specs_by_algorithm()


class _Target(NamedTuple):
    """A secret, key or alias by its name."""

    resource: Resource[Any]
    place: Place
    name: str


class _Miss(NamedTuple):
    """A name or ARN that a call did not find, with the versions and the algorithm that it asked for."""

    resource: Resource[Any]
    name: str
    asked: list[Asked]
    algorithm: str = ""


class _Wanted(Struct):
    """What was asked of a target: versions in order, the algorithm of a key; whether it was there at all."""

    exists: bool
    asked: dict[Asked, None] = {}
    algorithm: str = ""


class Recording:
    """Collects secrets, versions, keys and aliases that calls did not find. `add` is for `Journal.watch`.

    At most `MAX_TARGETS` are kept, and of what calls made itself the newest ones.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted: dict[_Target, _Wanted] = {}
        self._made: OrderedDict[_Target, None] = OrderedDict()
        self.added: list[str] = []
        self.elsewhere: list[str] = []
        self.unfit: list[str] = []

    def add(self, call: Call) -> None:
        """Note what a call did not find, and what it made. The gateway of KMS instances is left out."""
        if call.operation is None or call.operation.api is not API or call.fault:
            return
        for change in call.effects:
            self._note(change)
        account = account_of_caller(self._store, call.access_key_id)
        for resource, name, asked, algorithm in _missed(call):
            target = _located(resource, name, (account, call.region))
            if target in self._made or (len(self._wanted) >= MAX_TARGETS and target not in self._wanted):
                continue
            partition = self._store.existing(*target.place)
            exists = partition is not None and target.name in partition[target.resource]
            wanted = self._wanted.setdefault(target, _Wanted(exists))
            wanted.asked.update(dict.fromkeys(asked))
            wanted.algorithm = wanted.algorithm or algorithm

    def _note(self, change: Change) -> None:
        """Note what a request made or deleted: it was not missing."""
        target = _Target(change.resource, change.place, change.id)
        if change.before is None or change.after is None:
            self._made[target] = None
            if len(self._made) > MAX_TARGETS:
                self._made.popitem(last=False)
            self._wanted.pop(target, None)
        elif change.resource is secrets and target in self._wanted:
            made = change.after.versions.keys() - change.before.versions.keys()
            wanted = self._wanted[target]
            wanted.asked = {asked: None for asked in wanted.asked if asked[0] not in made}

    def document(self, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return a former fixture document with what was missed besides.

        `added` names what is new in it; `elsewhere` what was incomplete and is not of this document; `unfit` what no
        document can hold, such as a name that is too long.
        """
        document: dict[str, Any] = deepcopy(dict(before))
        self.added, self.elsewhere, self.unfit = [], [], []
        taken = _key_versions(document)
        for target, wanted in self._wanted.items():
            kind = "secrets" if target.resource is secrets else "keys"
            entry = self._find(document, target, kind)
            if entry is None and wanted.exists:
                if any(asked != ("", CURRENT) for asked in wanted.asked):
                    self.elsewhere.append(_label(target))
                continue
            completed = self._completed(target, wanted, {} if entry is None else entry, taken)
            if completed == entry:
                continue
            if entry is None and not self._fits(target, kind, completed):
                self.unfit.append(_label(target))
                continue
            self.added.append(_label(target))
            if entry is None:
                self._resources(document, target.place).setdefault(kind, []).append(completed)
            else:
                entry.clear()
                entry.update(completed)
        return document

    def _completed(self, target: _Target, wanted: _Wanted, entry: Entry, taken: set[str]) -> Entry:
        """Return the entry that would have satisfied what was asked; `taken` are the ids of versions of all keys."""
        if target.resource is secrets:
            return _secret({"name": target.name, **entry}, wanted.asked, self._store.sources.random_bytes)
        if not entry:
            is_alias = target.resource is aliases
            entry = {"id": self._store.sources.new_id(), "aliases": [target.name]} if is_alias else {"id": target.name}
        return _key(entry, wanted, taken)

    def _fits(self, target: _Target, kind: str, entry: Entry) -> bool:
        """Return whether a document can hold an entry."""
        document: dict[str, Any] = {}
        plain = {name: value for name, value in entry.items() if name not in ("spec", "usage")}  # no key pair is made
        self._resources(document, target.place)[kind] = [plain]
        try:
            fixtures.load(Store(self._store.sources, self._store.default_account, self._store.default_region), document)
        except FixtureError:
            return False
        return True

    def _find(self, document: dict[str, Any], target: _Target, kind: str) -> Entry | None:
        """Return the entry of a target, wherever a document has it."""
        default = (self._store.default_account, self._store.default_region)
        lists = [document.get(kind, ())] if target.place == default else []
        for account in document.get("accounts", ()):
            for region in account.get("regions", ()):
                lists += [region.get(kind, ())] if (account["id"], region["id"]) == target.place else []
        for entry in [entry for entries in lists for entry in entries]:
            names = [entry["name"]] if kind == "secrets" else [entry["id"], *entry.get("aliases", ())]
            if target.name in names:
                found: Entry = entry
                return found
        return None

    def _resources(self, document: dict[str, Any], place: Place) -> dict[str, Any]:
        """Return where a document has what is in a place: at its top for the server's own."""
        if place == (self._store.default_account, self._store.default_region):
            return document
        return _entry(_entry(document, "accounts", place[0]), "regions", place[1])


def _missed(call: Call) -> Iterator[_Miss]:
    """Yield what a call did not find."""
    sent = call.sent
    if call.action == "BatchGetSecretValue":
        if not call.code:
            yield from _missed_of_batch(call)
    elif call.code == SECRET_NOT_FOUND.code:
        if call.action == "CreateSecret":
            yield from _named(sent, "EncryptionKeyId")  # the only thing that it looks for
        elif "SecretName" in sent and sent.get("PolicyName", "default") == "default":
            yield _Miss(secrets, sent["SecretName"], _versions(call.action, sent))
    elif call.code == ALIAS_NOT_FOUND.code and "AliasName" in sent:
        yield from _named(sent, "AliasName")
    elif call.code in _NO_KEY:
        for name in ("KeyId", "SourceKeyId", "DestinationKeyId"):
            yield from _named(sent, name)
    elif call.code and sent.get("Algorithm") in _SPECS and "KeyId" in sent:
        yield _Miss(keys, sent["KeyId"], [], sent["Algorithm"])  # perhaps recorded before anybody knew what it is for


def _missed_of_batch(call: Call) -> Iterator[_Miss]:
    errors = call.answered.get("Errors") or ()
    refused = [errors] if isinstance(errors, Mapping) else errors  # of one element XML makes no list
    missing = {error["SecretName"] for error in refused if error["Code"] == SECRET_NOT_FOUND.code}
    for request in msgspec.json.decode(call.sent["SecretsList"], type=list[SecretRequest]):
        if request.SecretName in missing:
            yield _Miss(secrets, request.SecretName, _asked(request.VersionId or "", request.VersionStage or ""))


def _named(sent: Mapping[str, str], parameter: str) -> Iterator[_Miss]:
    """Yield the key or alias that a parameter names, if it is there."""
    if sent.get(parameter):
        version_id = sent.get("KeyVersionId", "")
        yield _Miss(keys, sent[parameter], [(version_id, "")] if version_id else [], sent.get("Algorithm", ""))


def _versions(action: str, sent: Mapping[str, str]) -> list[Asked]:
    """Return the versions of a secret that a call needs; those that PutSecretValue names are new."""
    stage = sent.get("VersionStage", "")
    if action == "GetSecretValue":
        return _asked(sent.get("VersionId", ""), stage)
    if action != "UpdateSecretVersionStage":
        return [("", CURRENT)]
    needed = [(sent.get("RemoveFromVersion", ""), stage), (sent.get("MoveToVersion", ""), "")]
    return [asked for asked in needed if asked[0]]


def _asked(version_id: str, stage: str) -> list[Asked]:
    return [(version_id, stage if version_id else stage or CURRENT)]


def _located(resource: Resource[Any], name: str, home: Place) -> _Target:
    """Return what a name or ARN means to a caller of an account, in a region."""
    match = _ARN.fullmatch(name)
    if match is not None:
        home = (match[2], match[1])
        name = f"alias/{match[4]}" if match[3] == "alias" else match[4]
    is_alias = resource is keys and name.startswith("alias/")
    return _Target(aliases if is_alias else resource, home, name)


def _label(target: _Target) -> str:
    return target.name if target.resource is aliases else f"{target.resource.name} {target.name}"


def _entry(document: dict[str, Any], name: str, wanted: str) -> dict[str, Any]:
    """Return the entry with an id in a list of a document, made if there is none."""
    entries: list[dict[str, Any]] = document.setdefault(name, [])
    for entry in entries:
        if entry["id"] == wanted:
            return entry
    entries.append({"id": wanted})
    return entries[-1]


def _key_versions(document: Mapping[str, Any]) -> set[str]:
    """Return the ids of the versions of all keys in a document."""
    regions = [region for account in document.get("accounts", ()) for region in account.get("regions", ())]
    entries = [entry for place in (document, *regions) for entry in place.get("keys", ())]
    return {version["id"] for entry in entries for version in entry.get("versions", ()) if "id" in version}


def _key(entry: Entry, wanted: _Wanted, taken: set[str]) -> Entry:
    """Return a key with the spec and the versions that it needs; one with material stays as it is.

    A version belongs to one key: a program that calls a key by its id and by its alias asks for the same one twice.
    """
    if entry.get("material"):
        return entry
    key = deepcopy(entry)
    if wanted.algorithm in _SPECS and "spec" not in key:
        key["spec"], key["usage"] = _SPECS[wanted.algorithm]
    for version_id in [version_id for version_id, _ in wanted.asked if _UUID.fullmatch(version_id)]:
        if version_id not in taken:
            taken.add(version_id)
            key.setdefault("versions", []).append({"id": version_id})
    return key


def _secret(entry: Entry, asked: Iterable[Asked], random_bytes: Callable[[int], bytes]) -> Entry:
    """Return a secret with the versions that it needs, of which one is current."""
    if entry.get("type", "Generic") != "Generic":  # the service makes the versions of a managed secret
        return entry
    secret = deepcopy(entry)
    created = {"created": secret["created"]} if "created" in secret else {}
    short = [{"id": "v1", "data": secret["value"], "stages": [CURRENT], **created}] if secret.get("value") else []
    versions: list[Entry] = deepcopy(secret.get("versions") or short)
    for version_id, stage in asked:
        if _has_room(versions, version_id, stage):
            _mark(versions, version_id, stage, random_bytes)
    if not any(CURRENT in version.get("stages", ()) for version in versions):
        unmarked = next((version["id"] for version in versions if not version.get("stages")), "")
        _mark(versions, unmarked, CURRENT, random_bytes)
    if versions != short:
        secret.pop("value", None)
        secret["versions"] = versions
    return secret


def _has_room(versions: list[Entry], version_id: str, stage: str) -> bool:
    """Return whether a version, and a stage, fit into a secret besides those that it has, and the current one."""
    stages = {marked for version in versions for marked in version.get("stages", ())} | {CURRENT}
    is_new = not version_id or all(version["id"] != version_id for version in versions)
    return len(versions) + is_new < MAX_VERSIONS and len(stages | {stage}) <= MAX_STAGES


def _mark(versions: list[Entry], version_id: str, stage: str, random_bytes: Callable[[int], bytes]) -> None:
    """Make a version exist, and with it a stage; what marks another one moves only from a version that was made up."""
    holder = next((version for version in versions if stage in version.get("stages", ())), None)
    known = {version["id"]: version for version in versions}
    version = known.get(version_id) if version_id else holder
    if version is None:
        free = next(name for n in range(1, len(known) + 2) if (name := f"{_MADE_UP_VERSION}{n}") not in known)
        version = {"id": version_id or free, "data": any_value(random_bytes), "stages": []}
        versions.append(version)
    if not stage or holder is version or (holder is not None and not holder["id"].startswith(_MADE_UP_VERSION)):
        return
    if holder is not None:
        holder["stages"].remove(stage)
    version["stages"] = [*version.get("stages", ()), stage]
