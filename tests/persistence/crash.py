"""A server that is killed while four threads of the official SDK write, again and again, and what must be there then."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from alibabacloud_kms20160120 import models as m
from alibabacloud_kms20160120.client import Client
from alibabacloud_tea_openapi.utils_models import Config
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from kms_mock import KmsMock
from kms_mock.kms.model.key import Key, aliases, keys
from kms_mock.kms.model.secret import CURRENT, secrets
from kms_mock.store.partition import Partition
from tests.machines.test_invariants import INVARIANTS
from tests.support.cli import Server

THREADS = 4
_MOST_SECRETS = 8
_MOST_KEYS = 6
_MOST_CALLS = 150  # of all threads in one round
_CHECKED_CIPHERTEXTS = 20
_ONCE = RuntimeOptions(autoretry=False, connect_timeout=5000, read_timeout=10000)

Seen = dict[tuple[str, str], Any]  # kind and name -> what a reader sees of it; what does not exist is not there


class LostError(AssertionError):
    """Something that was answered is not there, or something is there by half."""


class Writer:
    """One thread: what it knows was answered, and the one change that may or may not have been made when all ended."""

    def __init__(self, name: str, seed: str) -> None:
        self.name = name
        self.answered: Seen = {}
        self.pending: dict[tuple[str, str], Any] = {}  # None for what the change removes
        self.ciphertexts: list[tuple[str, str]] = []
        self.key_ids: dict[str, str] = {}  # by description
        self.counts: Counter[str] = Counter()  # of answered requests
        self.unanswered = 0  # changes that were made, and whose answer never came
        self._chance = random.Random(seed)  # noqa: S311 (repeatable on purpose)
        self._number = 0

    def run(self, endpoint: str, stop: threading.Event) -> None:
        """Write until the server is gone. What a request is refused with is a bug of this test, and raised."""
        client = Client(Config(access_key_id=self.name, access_key_secret="x", endpoint=endpoint, protocol="http"))
        actions = [
            *(self._put, self._put, self._put, self._create_secret, self._delete_secret, self._move_stage),
            *(self._create_key, self._encrypt, self._tag, self._disable, self._alias),
        ]
        while not stop.is_set():
            action = self._chance.choice(actions)
            try:
                action(client)
            except UnretryableException:  # the connection broke, and the request was sent once
                return
            self.counts[action.__name__.strip("_")] += 1

    def settle(self, seen: Seen) -> None:
        """Compare what was answered with what is there: with the pending change as a whole or without it. LostError."""
        mine = {name: value for name, value in seen.items() if name[1].startswith(f"{self.name}-")}
        changed = {**self.answered, **self.pending}
        made = {name: value for name, value in changed.items() if value is not None}
        if mine not in (self.answered, made):
            wrong = [
                name
                for name in mine.keys() | made.keys()
                if mine.get(name) not in (made.get(name), self.answered.get(name))
            ]
            raise LostError(f"{self.name}: {wrong or 'half of a change'}; pending: {list(self.pending)}")
        self.unanswered += bool(self.pending and mine == made)
        self.answered, self.pending = mine, {}

    def _change(self, call: Callable[[], Any], seen: Seen) -> Any:
        """Make a change; `seen` is what differs afterwards, with None for what is gone."""
        self.pending = seen
        answer = call()
        self.answered = {n: value for n, value in {**self.answered, **self.pending}.items() if value is not None}
        self.pending = {}
        return answer

    def _next(self) -> str:
        self._number += 1
        return f"{self.name}-{self._number}"

    def _some(self, kind: str) -> str | None:
        names = [name for found, name in self.answered if found == kind]
        return self._chance.choice(names) if names else None

    # -- changes ------------------------------------------------------------------------------------------------------

    def _create_secret(self, client: Client) -> None:
        if sum(kind == "secret" for kind, _ in self.answered) >= _MOST_SECRETS:
            return
        name, value = self._next(), self._next()
        request = m.CreateSecretRequest(secret_name=name, version_id="v0", secret_data=value)
        seen = {("secret", name): ({"v0": value}, {CURRENT: "v0"})}
        self._change(lambda: client.create_secret_with_options(request, _ONCE), seen)

    def _put(self, client: Client) -> None:
        name = self._some("secret")
        if name is None:
            return
        values, stages = self.answered["secret", name]
        version, value = self._next(), self._next() * self._chance.choice((1, 1, 200))
        # Its former previous version has no stage any more: at ten, the earliest of those goes.
        marks = {**stages, CURRENT: version, "ACSPrevious": stages[CURRENT]}
        kept = {**values, version: value}
        if len(kept) > 10:
            del kept[next(known for known in kept if known not in marks.values())]
        request = m.PutSecretValueRequest(secret_name=name, version_id=version, secret_data=value)
        seen = {("secret", name): (kept, marks)}
        self._change(lambda: client.put_secret_value_with_options(request, _ONCE), seen)

    def _delete_secret(self, client: Client) -> None:
        name = self._some("secret")
        if name is None or self._chance.random() < 0.7:
            return
        request = m.DeleteSecretRequest(secret_name=name, force_delete_without_recovery="true")
        self._change(lambda: client.delete_secret_with_options(request, _ONCE), {("secret", name): None})

    def _move_stage(self, client: Client) -> None:
        name = self._some("secret")
        if name is None:
            return
        values, stages = self.answered["secret", name]
        version = self._chance.choice(list(values))
        former = stages.get("mine")
        if former == version:
            return
        request = m.UpdateSecretVersionStageRequest(
            secret_name=name, version_stage="mine", move_to_version=version, remove_from_version=former
        )
        seen = {("secret", name): (values, {**stages, "mine": version})}
        self._change(lambda: client.update_secret_version_stage_with_options(request, _ONCE), seen)

    def _create_key(self, client: Client) -> None:
        if sum(kind == "key" for kind, _ in self.answered) >= _MOST_KEYS:
            return
        name = self._next()
        request = m.CreateKeyRequest(description=name)
        seen: Seen = {("key", name): ("Enabled", {})}
        answer = self._change(lambda: client.create_key_with_options(request, _ONCE), seen)
        self.key_ids[name] = answer.body.key_metadata.key_id

    def _encrypt(self, client: Client) -> None:
        name = self._some("key")
        if name is None or name not in self.key_ids or self.answered["key", name][0] != "Enabled":
            return
        text = self._next()
        request = m.EncryptRequest(key_id=self.key_ids[name], plaintext=text)
        blob = client.encrypt_with_options(request, _ONCE).body.ciphertext_blob
        self.ciphertexts.append((blob, text))

    def _tag(self, client: Client) -> None:
        """Change two records in one request: there is no half of it."""
        names = [name for kind, name in self.answered if kind == "key" and name in self.key_ids][:2]
        if len(names) != 2:
            return
        value = self._next()
        request = m.TagResourcesRequest(
            region_id="cn-hangzhou",
            resource_type="key",
            resource_id=[self.key_ids[name] for name in names],
            tag=[m.TagResourcesRequestTag(key="number", value=value)],
        )
        seen = {("key", name): (self.answered["key", name][0], {"number": value}) for name in names}
        self._change(lambda: client.tag_resources_with_options(request, _ONCE), seen)

    def _disable(self, client: Client) -> None:
        name = self._some("key")
        if name is None or name not in self.key_ids:
            return
        state, tags = self.answered["key", name]
        if state == "Enabled":
            disable = m.DisableKeyRequest(key_id=self.key_ids[name])
            call, after = lambda: client.disable_key_with_options(disable, _ONCE), "Disabled"
        else:
            enable = m.EnableKeyRequest(key_id=self.key_ids[name])
            call, after = lambda: client.enable_key_with_options(enable, _ONCE), "Enabled"
        self._change(call, {("key", name): (after, tags)})

    def _alias(self, client: Client) -> None:
        name, key = f"{self.name}-alias", self._some("key")
        if key is None or key not in self.key_ids:
            return
        present = self.answered.get(("alias", name))
        options = {"alias_name": f"alias/{name}", "key_id": self.key_ids[key]}
        if present is None:
            create = m.CreateAliasRequest(**options)
            self._change(lambda: client.create_alias_with_options(create, _ONCE), {("alias", name): key})
        elif present == key:
            delete = m.DeleteAliasRequest(alias_name=options["alias_name"])
            self._change(lambda: client.delete_alias_with_options(delete, _ONCE), {("alias", name): None})
        else:
            update = m.UpdateAliasRequest(**options)
            self._change(lambda: client.update_alias_with_options(update, _ONCE), {("alias", name): key})


class Crash:
    """Rounds of starting, writing, killing and looking, on one file in one folder."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.path = folder / "state.db"
        self.rounds = 0
        self._folder = folder
        self._chance = random.Random(seed)  # noqa: S311 (repeatable on purpose)
        self.writers = [Writer(f"t{number}", f"{seed} {number}") for number in range(THREADS)]

    def round(self) -> None:
        """Start the server, kill it while it is written to, and check what the file holds. Raises LostError."""
        self.rounds += 1
        if self._chance.random() < 0.2:
            self._kill_while_starting()
        server = Server(self._folder, "--port", "0", "--state", self.path.name, "--log-level", "error")
        stop, problems = threading.Event(), list[BaseException]()

        def work(writer: Writer) -> None:
            try:
                writer.run(f"127.0.0.1:{server.port}", stop)
            except BaseException as error:  # noqa: BLE001 (raised below)
                problems.append(error)

        threads = [threading.Thread(target=work, args=(writer,)) for writer in self.writers]
        for thread in threads:
            thread.start()
        self._wait_for(self._chance.randrange(1, _MOST_CALLS), threads)
        time.sleep(self._chance.uniform(0, 0.01))
        server.process.send_signal(signal.SIGKILL)
        server.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
        if problems:
            raise problems[0]
        if server.log:
            raise LostError(server.log)
        self.check()

    def _wait_for(self, calls: int, threads: list[threading.Thread]) -> None:
        """Wait for so many answers, whatever they take; no longer when no thread writes any more."""
        former = self.calls
        while self.calls < former + calls and any(thread.is_alive() for thread in threads):
            time.sleep(0.001)

    @property
    def calls(self) -> int:
        """How many requests were answered."""
        return sum(writer.counts.total() for writer in self.writers)

    def check(self) -> None:
        """Open what is left and compare. Raises LostError."""
        with KmsMock(state=self.path) as kms:
            holder = SimpleNamespace(store=kms.store)
            for invariant in INVARIANTS:
                invariant(holder)  # type: ignore[arg-type]  # they use nothing else of the machine
            partition = kms.store.partition(kms.config.account, "cn-hangzhou")
            seen = what_is_seen(partition)
            for writer in self.writers:
                writer.settle(seen)
                writer.key_ids |= {key.description: key.id for key in partition[keys].values()}
            self._decrypt(kms)

    def _decrypt(self, kms: KmsMock) -> None:
        """Decrypt the newest ciphertexts and some older ones, under keys that may be disabled now."""
        client = kms.client()
        for key in kms.store.partition(kms.config.account, "cn-hangzhou")[keys].values():
            if key.state == "Disabled":
                client.enable_key(m.EnableKeyRequest(key_id=key.id))
        for writer in self.writers:
            known = writer.ciphertexts
            for blob, text in [*known[-_CHECKED_CIPHERTEXTS:], *self._chance.sample(known, min(5, len(known)))]:
                found = client.decrypt(m.DecryptRequest(ciphertext_blob=blob)).body.plaintext
                if found != text:
                    raise LostError(f"a ciphertext of {writer.name} opens to something else")
            for (kind, name), value in writer.answered.items():
                if kind == "key":
                    writer.answered[kind, name] = ("Enabled", value[1])

    def _kill_while_starting(self) -> None:
        command = [sys.executable, "-m", "kms_mock", "serve", "--port", "0", "--state", str(self.path)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(self._chance.uniform(0.1, 0.9))
        process.kill()
        process.wait()

    def text(self) -> str:
        """Return how much was done."""
        counts = sum((writer.counts for writer in self.writers), Counter[str]())
        calls = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
        unanswered = sum(writer.unanswered for writer in self.writers)
        return f"{self.rounds} rounds: {calls}; {unanswered} changes were made whose answer never came"


def what_is_seen(partition: Partition) -> Seen:
    """Return what a reader sees of everything in a partition."""
    names = {key.id: key.description for key in partition[keys].values()}
    found: Seen = {("key", key.description): _key_seen(key) for key in partition[keys].values()}
    for alias in partition[aliases].values():
        found["alias", alias.name.removeprefix("alias/")] = names[alias.key_id]
    for secret in partition[secrets].values():
        values = {name: secret.value(partition, version).decode() for name, version in secret.versions.items()}
        found["secret", secret.name] = (values, secret.stages)
    return found


def _key_seen(key: Key) -> tuple[str, dict[str, str]]:
    return key.state, key.tags
