"""The fixture file of an account: what is selected, read, completed with made-up material, and renamed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from hashlib import sha256
from itertools import chain
from typing import Any

from msgspec import Struct

from kms_mock import fixtures
from kms_mock.fixtures import FixtureError
from kms_mock.importing.documents import Entry, Reader
from kms_mock.service_client import RefusedError, ServiceClient
from kms_mock.sources import Sources
from kms_mock.store.store import Store

_ACCOUNT_IN_ARN = re.compile(r"\bacs:[a-z0-9-]+:[a-z0-9*-]*:([0-9]{5,20})\b")
_NOT_FOUND = frozenset({"Forbidden.KeyNotFound", "Forbidden.ResourceNotFound"})


Progress = Callable[[int], Callable[[], object]]


class ImportFailedError(Exception):
    """A resource that cannot be read, with its name."""


class Selection(Struct, frozen=True):
    """What to import: patterns with `*` for the names of secrets and for the ids and aliases of keys; None for all.

    The keys that protect selected secrets come along.
    """

    secrets: str | None = None
    keys: str | None = None


class Imported(Struct, frozen=True):
    """A fixture document, the id of its account, and what the person who imports it should know."""

    document: dict[str, Any]
    account: str
    warnings: list[str]


class Import:
    """One run. `progress(total)` returns what is called after each resource that was read."""

    def __init__(
        self,
        account: ServiceClient,
        region: str,
        *,
        selection: Selection,
        seed: int = 0,
        with_values: bool = False,
        pseudonymise: bool = False,
        threads: int = 4,
    ) -> None:
        self._account = account
        self._region = region
        self._selection = selection
        self._seed = seed
        self._pseudonymise = pseudonymise
        self._threads = threads
        self._with_values = with_values

    def run(self, progress: Progress) -> Imported:
        """Read the account. Raises ImportFailedError, RefusedError, UnreachableError; FixtureError for what no fixture can hold."""
        try:
            return self._run(progress)
        except FixtureError:
            raise
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise ImportFailedError(
                f"the answers are not those of KMS ({type(error).__name__}): is the endpoint the right one?"
            ) from None

    def _run(self, progress: Progress) -> Imported:
        arns: dict[str, str] = {}
        for entry in self._account.pages("ListKeys", "Keys.Key"):
            arns[entry["KeyId"]] = entry.get("KeyArn", "")
        aliases: dict[str, list[str]] = {}
        for alias in self._account.pages("ListAliases", "Aliases.Alias"):
            aliases.setdefault(alias["KeyId"], []).append(alias["AliasName"])
        names = [entry["SecretName"] for entry in self._account.pages("ListSecrets", "SecretList.Secret")]
        chosen_secrets = [name for name in names if self._wants_secret(name)]
        chosen_keys = [key_id for key_id in arns if self._wants_key([key_id, *aliases.get(key_id, [])])]
        done = progress(len(chosen_secrets) + len(chosen_keys))
        warnings: list[str] = []

        def key(key_id: str, reader: Reader) -> Entry:
            return reader.key(key_id, aliases.get(key_id, []))

        def secret(name: str, reader: Reader) -> Entry:
            return reader.secret(name)

        with ThreadPoolExecutor(self._threads) as pool:
            secrets = list(self._read(pool, secret, chosen_secrets, done, warnings))
            needed = {entry["encryption_key"] for entry in secrets if entry.get("encryption_key")}
            more = sorted(needed - set(chosen_keys))
            keys = list(self._read(pool, key, [*chosen_keys, *more], done, warnings))
        return self._complete(keys, secrets, arns, warnings)

    def _reader(self, name: str) -> Reader:
        return Reader(self._account, _stream(self._seed, name), with_values=self._with_values)

    def _wants_secret(self, name: str) -> bool:
        pattern = self._selection.secrets
        return self._selection.keys is None if pattern is None else fnmatchcase(name, pattern)

    def _wants_key(self, names: Iterable[str]) -> bool:
        pattern = self._selection.keys
        if pattern is None:
            return self._selection.secrets is None
        return any(fnmatchcase(name, pattern) or fnmatchcase(name, f"alias/{pattern}") for name in names)

    def _read(
        self,
        pool: ThreadPoolExecutor,
        read: Callable[[str, Reader], Entry],
        names: Iterable[str],
        done: Callable[[], object],
        warnings: list[str],
    ) -> Iterator[Entry]:
        """Yield the entries of what is there, in the order of the names."""
        readers = {name: self._reader(name) for name in names}
        results = {name: pool.submit(read, name, reader) for name, reader in readers.items()}
        try:
            for name, result in results.items():
                try:
                    yield result.result()
                except RefusedError as error:
                    if error.code not in _NOT_FOUND:
                        raise ImportFailedError(f"{name}: {error}") from None
                    warnings.append(f"{name} was deleted meanwhile; left out")
                done()
                warnings += [text for text in readers[name].warnings if text not in warnings]
        except BaseException:
            for result in results.values():
                result.cancel()
            raise

    def _complete(self, keys: list[Entry], secrets: list[Entry], arns: dict[str, str], warnings: list[str]) -> Imported:
        """Load what was read, which makes the material and checks the whole, and take it out again."""
        known = {entry["id"] for entry in keys}
        for secret in [entry for entry in secrets if "encryption_key" in entry]:
            if secret["encryption_key"] not in known:
                key_id = secret.pop("encryption_key")
                warnings += [f"{secret['name']}: its key {key_id} was deleted; left out"]
        creators = [entry.get("creator") for entry in keys]
        found = [match[1] for arn in arns.values() if (match := _ACCOUNT_IN_ARN.search(arn))]
        account = next((str(name) for name in chain(found, creators) if name), "")
        sources = Sources.seeded(self._seed)
        store = Store(sources, account or "1", self._region)
        document = {"instances": _instances(keys, secrets), "keys": keys, "secrets": secrets}
        fixtures.load(store, document, source="what was read")
        written = _resources(fixtures.snapshot(store))
        if self._pseudonymise:
            written = Pseudonyms(self._seed).tree(written)
        return Imported(written, account, warnings)


def _resources(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Return the resources of the only region of the only account, as the default account's."""
    regions = [region for account in snapshot.get("accounts", []) for region in account.get("regions", [])]
    return {name: value for region in regions for name, value in region.items() if name != "id"}


class Pseudonyms:
    """Account ids that stand for others: the same one always for the same."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def tree(self, document: Any) -> Any:
        """Return a document in which every account id that an ARN or a creator names is another one, everywhere."""
        ids = sorted(set(_account_ids(document)), key=len, reverse=True)
        if not ids:
            return document
        pattern = re.compile(rf"(?<![0-9])({'|'.join(ids)})(?![0-9])")
        return _mapped(document, lambda text: pattern.sub(lambda match: self.of(match[1]), text))

    def of(self, account: str) -> str:
        """Return what stands for an account: 16 digits."""
        digest = sha256(f"{self._seed}:{account}".encode()).digest()
        return str(10**15 + int.from_bytes(digest[:8], "big") % (9 * 10**15))


def _account_ids(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name == "creator" and isinstance(value, str):
                yield value
            yield from _account_ids(value)
    elif isinstance(document, list):
        for value in document:
            yield from _account_ids(value)
    elif isinstance(document, str):
        yield from _ACCOUNT_IN_ARN.findall(document)


def _mapped(document: Any, change: Callable[[str], str]) -> Any:
    if isinstance(document, dict):
        return {name: _mapped(value, change) for name, value in document.items()}
    if isinstance(document, list):
        return [_mapped(value, change) for value in document]
    return change(document) if isinstance(document, str) else document


def _instances(keys: list[Entry], secrets: list[Entry]) -> list[Entry]:
    """Return the instances that keys and secrets are in; more about them no call tells that may be made."""
    found: dict[str, str] = {}
    for entry in chain(keys, secrets):
        if name := entry.get("instance"):
            kind = "hardware" if entry.get("protection_level") == "HSM" else "software"
            found[name] = "hardware" if "hardware" in (kind, found.get(name)) else kind
    return [{"id": name, "kind": kind} for name, kind in found.items()]


def _stream(seed: int, name: str) -> Callable[[int], bytes]:
    """Return random bytes for one resource, so that a run repeats whichever thread reads what first."""
    return Sources.seeded(int.from_bytes(sha256(f"{seed}:{name}".encode()).digest(), "big")).random_bytes
