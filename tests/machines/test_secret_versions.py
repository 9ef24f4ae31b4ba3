"""Versions and stages of a generic secret against a model: whatever the order of the calls, both agree."""

from __future__ import annotations

import json
from copy import deepcopy

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.in_process import InProcess

CURRENT, PREVIOUS = "ACSCurrent", "ACSPrevious"
VERSIONS = st.sampled_from([f"v{number}" for number in range(16)])
STAGES = st.sampled_from([CURRENT, PREVIOUS, *(f"s{number}" for number in range(8))])
VALUES = st.sampled_from(["one", "two", "€ & = %"])


class Model:
    """What the documents say of a secret: versions in order of creation, each with its value and its stages."""

    def __init__(self) -> None:
        self.life = "none"
        self.versions: dict[str, tuple[str, set[str]]] = {}

    def unavailable(self) -> str:
        """Return the code with which a change is refused for the secret's life alone."""
        return {"none": "Forbidden.ResourceNotFound", "deleted": "Rejected.ResourceInDeleteWindow"}.get(self.life, "")

    def holder(self, stage: str) -> str | None:
        """Return the version that a stage marks."""
        return next((name for name, (_, marks) in self.versions.items() if stage in marks), None)

    def mark(self, stage: str, version: str | None) -> None:
        """Let a stage mark this version and no other."""
        for name, (_, marks) in self.versions.items():
            marks.discard(stage)
            if name == version:
                marks.add(stage)

    def settled(self, before: dict[str, tuple[str, set[str]]]) -> str:
        """Undo everything when there are too many stages."""
        if sum(len(marks) for _, marks in self.versions.values()) <= 8:
            return ""
        self.versions = before
        return "Rejected.LimitExceeded"

    def put(self, version: str, value: str, stages: list[str]) -> str:
        """PutSecretValue; give the error's code."""
        if self.life != "live":
            return self.unavailable()
        if version in self.versions:
            return "" if self.versions[version][0] == value else "Rejected.ResourceExist"
        before = deepcopy(self.versions)
        former = self.holder(CURRENT)
        self.versions[version] = (value, set())
        for stage in stages:
            self.mark(stage, version)
        if CURRENT in stages and PREVIOUS not in stages:
            self.mark(PREVIOUS, former)
        if len(self.versions) > 10:
            unmarked = (name for name, (_, marks) in self.versions.items() if not marks and name != version)
            self.versions.pop(next(unmarked, version))  # there is none only with too many stages, which undoes all
        return self.settled(before)

    def move(self, stage: str, source: str | None, target: str | None) -> str:
        """UpdateSecretVersionStage; give the error's code."""
        if self.life != "live":
            return self.unavailable()
        if source is None and target is None:
            return "InvalidParameter"
        if any(name is not None and name not in self.versions for name in (source, target)):
            return "Forbidden.ResourceNotFound"
        if source is not None and self.holder(stage) != source:
            return "Rejected.InvalidRequest"
        if target is None and stage in (CURRENT, PREVIOUS):
            return "Rejected.UnsupportedOperation"
        before = deepcopy(self.versions)
        self.mark(stage, target)
        return self.settled(before)


class SecretVersions(RuleBasedStateMachine):
    """Random calls on one secret; after each the server shows what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.server = InProcess()
        self.model = Model()
        self.purge = 0.0

    def teardown(self) -> None:
        self.server.close()

    def call(self, operation: str, **parameters: str) -> str:
        return self.server.call(operation, SecretName="db", **parameters)[0]

    @precondition(lambda self: self.model.life != "live" or len(self.model.versions) > 8)
    @rule(version=VERSIONS, value=VALUES)
    def create(self, version: str, value: str) -> None:
        refusal = {"live": "Rejected.ResourceExist", "deleted": "Rejected.ResourceInDeleteWindow"}
        assert self.call("CreateSecret", VersionId=version, SecretData=value) == refusal.get(self.model.life, "")
        if self.model.life == "none":
            self.model.life = "live"
            self.model.versions = {version: (value, {CURRENT})}

    @rule(version=VERSIONS, value=VALUES, stages=st.none() | st.lists(STAGES, min_size=1, max_size=9))
    def put(self, version: str, value: str, stages: list[str] | None) -> None:
        asked = {} if stages is None else {"VersionStages": json.dumps(stages)}
        code = self.call("PutSecretValue", VersionId=version, SecretData=value, **asked)
        assert code == self.model.put(version, value, [CURRENT] if stages is None else stages)

    @precondition(lambda self: self.model.life == "live")
    @rule(count=st.integers(2, 11), stages=st.lists(STAGES, min_size=1, max_size=2))
    def put_many(self, count: int, stages: list[str]) -> None:
        """Go to the limit of ten versions in one step."""
        for number in range(count):
            self.put(f"w{number}", "one", stages)

    @precondition(lambda self: self.model.life == "live")
    @rule(data=st.data())
    def repeat(self, data: st.DataObject) -> None:
        version = data.draw(st.sampled_from(sorted(self.model.versions)))
        assert self.call("PutSecretValue", VersionId=version, SecretData=self.model.versions[version][0]) == ""

    @rule(stage=STAGES, source=st.none() | VERSIONS, goal=st.none() | VERSIONS, right=st.booleans())
    def move(self, stage: str, source: str | None, goal: str | None, *, right: bool) -> None:
        if right and source is not None:  # from where the stage really is
            source = self.model.holder(stage) or source
        named = {"RemoveFromVersion": source, "MoveToVersion": goal}
        asked = {name: version for name, version in named.items() if version is not None}
        code = self.call("UpdateSecretVersionStage", VersionStage=stage, **asked)
        assert code == self.model.move(stage, source, goal)

    @rule(force=st.sampled_from(["false", "false", "true"]))
    def delete(self, force: str) -> None:
        assert self.call("DeleteSecret", ForceDeleteWithoutRecovery=force) == self.model.unavailable()
        if self.model.life == "live":
            self.model.life, self.purge = "deleted", self.server.now + 30 * 86400
            if force == "true":
                self.model = Model()

    @precondition(lambda self: self.model.life == "deleted")
    @rule(days=st.integers(1, 40))
    def wait(self, days: int) -> None:
        self.server.now += days * 86400
        if self.purge <= self.server.now:
            self.model = Model()

    @rule()
    def restore(self) -> None:
        refusal = {"live": "Rejected.ResourceInUse", "none": "Forbidden.ResourceNotFound"}
        assert self.call("RestoreSecret") == refusal.get(self.model.life, "")
        self.model.life = "live" if self.model.life == "deleted" else self.model.life

    @rule(stage=st.none() | STAGES, version=st.none() | VERSIONS)
    def get(self, stage: str | None, version: str | None) -> None:
        wanted = version or self.model.holder(stage or CURRENT)
        held = self.model.versions.get(wanted or "")
        fits = held is not None and (version is None or stage is None or stage in held[1])
        asked = {"VersionStage": stage, "VersionId": version}
        parameters = {name: text for name, text in asked.items() if text is not None}
        code, body = self.server.call("GetSecretValue", SecretName="db", **parameters)
        if self.model.life == "live" and fits and held is not None:
            assert (body["VersionId"], body["SecretData"]) == (wanted, held[0])
            assert set(body["VersionStages"]["VersionStage"]) == held[1]
        else:
            assert code == "Forbidden.ResourceNotFound"

    @invariant()
    def same_versions_and_stages(self) -> None:
        code, body = self.server.call("ListSecretVersionIds", SecretName="db", IncludeDeprecated="true", PageSize="100")
        if self.model.life == "none":
            assert code == "Forbidden.ResourceNotFound"
            return
        shown = [
            (one["VersionId"], set(one["VersionStages"]["VersionStage"])) for one in body["VersionIds"]["VersionId"]
        ]
        assert shown == [(name, marks) for name, (_, marks) in self.model.versions.items()]
        assert self.model.holder(CURRENT) is not None
        assert len(shown) <= 10


TestSecretVersions = SecretVersions.TestCase
