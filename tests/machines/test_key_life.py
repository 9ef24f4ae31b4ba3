"""The life of keys against a model: whatever is done to them in whatever order, and whatever time passes, both agree."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kms_mock.crypto.wrapping import wrap
from kms_mock.store.times import iso
from tests.support.in_process import InProcess

DAY = 86400
NEVER = float("inf")
UNUSABLE = {
    "Disabled": "Rejected.Disabled",
    "PendingDeletion": "Rejected.PendingDeletion",
    "PendingImport": "Rejected.PendingImport",
}
FAILED = "Rejected.StateModifiedFailed"
KEYS = st.sampled_from(["plain", "byok"])


class Model:
    """What the documents say of one key: of one that KMS made, in a software instance, or of one with own material."""

    def __init__(self, now: float, *, external: bool) -> None:
        self.external = external
        self.state = "PendingImport" if external else "Enabled"
        self.loaded = not external  # whether it has its material
        self.only: bytes | None = None  # the one material that it takes
        self.expires = self.deletion = self.rotation = NEVER
        self.interval: int | None = None
        self.last = now
        self.versions = 1
        self.protected = False

    def move(self, allowed: dict[str, str], refusal: str = FAILED) -> str:
        """Go to another state, if the state now allows it; give the error's code."""
        if self.state not in allowed:
            return refusal
        self.state = allowed[self.state]
        return ""

    def lose_material(self) -> None:
        self.loaded, self.expires = False, NEVER
        self.state = "PendingDeletion" if self.state == "PendingDeletion" else "PendingImport"

    def add_version(self, at: float) -> None:
        self.versions, self.last = self.versions + 1, at
        if self.interval is not None:
            self.rotation = at + self.interval

    def settle(self, now: float) -> bool:
        """Make happen what is due, in order of time; return whether the key is still there."""
        while True:
            rotation = self.rotation if self.state == "Enabled" else NEVER
            at = min(self.deletion, self.expires, rotation)
            if at > now:
                return True
            if at == self.deletion:
                return False
            if at == self.expires:
                self.lose_material()
            else:
                self.add_version(at)

    def resume(self, now: float) -> None:
        """Rotate at once if that fell due while the key could not be used."""
        if self.state == "Enabled" and self.rotation <= now:
            self.add_version(now)


class KeyLife(RuleBasedStateMachine):
    """Random calls on two keys of either origin; after each the server shows what the models say."""

    def __init__(self) -> None:
        super().__init__()
        self.server = InProcess({"instances": [{"id": "kst-soft"}]})
        self.ids: dict[str, str] = {}
        self.models: dict[str, Model] = {}
        self.blobs: dict[str, list[str]] = {"plain": [], "byok": []}
        self.given: tuple[dict[str, Any], float] | None = None

    def teardown(self) -> None:
        self.server.close()

    def call(self, operation: str, key: str, **parameters: str) -> str:
        return self.server.call(operation, KeyId=self.ids[key], **parameters)[0]

    def agree(self, code: str, key: str, expected: str) -> Model | None:
        """Check the code of a call; give the key's model if the call changed something."""
        model = self.models.get(key)
        assert code == (expected if model is not None else "Forbidden.KeyNotFound")
        return model if code == "" else None

    @initialize()
    def start(self) -> None:
        for key in ("plain", "byok"):
            self.create(key)

    def create(self, key: str) -> None:
        origin = {"DKMSInstanceId": "kst-soft"} if key == "plain" else {"Origin": "EXTERNAL", "ProtectionLevel": "HSM"}
        code, body = self.server.call("CreateKey", **origin)
        assert code == ""
        self.ids[key] = body["KeyMetadata"]["KeyId"]
        self.models[key] = Model(self.server.now, external=key == "byok")
        self.blobs[key] = []

    @precondition(lambda self: len(self.models) < 2)
    @rule()
    def create_anew(self) -> None:
        for key in {"plain", "byok"} - set(self.models):
            self.create(key)

    # -- states -------------------------------------------------------------------------------------------------------

    @rule(key=KEYS)
    def enable(self, key: str) -> None:
        model = self.models.get(key)
        expected = model.move({"Enabled": "Enabled", "Disabled": "Enabled"}) if model else ""
        if self.agree(self.call("EnableKey", key), key, expected) and model:
            model.resume(self.server.now)

    @rule(key=KEYS)
    def disable(self, key: str) -> None:
        model = self.models.get(key)
        expected = model.move({"Enabled": "Disabled", "Disabled": "Disabled"}) if model else ""
        self.agree(self.call("DisableKey", key), key, expected)

    @rule(key=KEYS, days=st.sampled_from([6, 7, 30, 366, 367]))
    def schedule(self, key: str, days: int) -> None:
        code = self.call("ScheduleKeyDeletion", key, PendingWindowInDays=str(days))
        if not 7 <= days <= 366:
            assert code == "InvalidParameter"
            return
        model = self.models.get(key)
        expected = ""
        if model:
            expected = FAILED if model.state == "PendingDeletion" else ""
            if not expected and model.protected:
                expected = "Rejected.DeletionProtectionEnabled"
        if self.agree(code, key, expected) and model:
            model.state, model.deletion = "PendingDeletion", self.server.now + days * DAY

    @rule(key=KEYS)
    def cancel(self, key: str) -> None:
        model = self.models.get(key)
        expected = model.move({"PendingDeletion": "Enabled" if model.loaded else "PendingImport"}) if model else ""
        if self.agree(self.call("CancelKeyDeletion", key), key, expected) and model:
            model.deletion = NEVER
            model.resume(self.server.now)

    @rule(key=KEYS, on=st.booleans())
    def protect(self, key: str, *, on: bool) -> None:
        model = self.models.get(key)
        expected = "Rejected.PendingDeletion" if model and model.state == "PendingDeletion" else ""
        code = self.call("SetDeletionProtection", key, EnableDeletionProtection=str(on).lower())
        if self.agree(code, key, expected) and model:
            model.protected = on

    # -- material -----------------------------------------------------------------------------------------------------

    @rule(
        key=KEYS,
        material=st.sampled_from([b"a" * 32, b"b" * 32, b"short"]),
        lasts=st.sampled_from([0, 1, DAY // 2, 20 * DAY]),
        token=st.sampled_from(["new", "kept"]),
    )
    def import_material(self, key: str, material: bytes, lasts: int, token: str) -> None:
        model, now = self.models.get(key), self.server.now
        if token == "new" or self.given is None:
            how = {"WrappingKeySpec": "EC_SM2", "WrappingAlgorithm": "SM2PKE"}
            code, given = self.server.call("GetParametersForImport", KeyId=self.ids["byok"], **how)
            if "byok" not in self.models:
                assert code == "Forbidden.KeyNotFound"
                return
            assert code == ""
            self.given = given, now + DAY
        given, until = self.given
        wrapped = wrap(base64.b64decode(given["PublicKey"]), "SM2PKE", material)
        code = self.call(
            "ImportKeyMaterial",
            key,
            ImportToken=given["ImportToken"],
            EncryptedKeyMaterial=base64.b64encode(wrapped).decode(),
            KeyMaterialExpireUnix=str(int(now) + lasts if lasts else 0),
        )
        expected = ""
        if model and not model.external:
            expected = "Unsupported.Origin"
        elif model and model.state == "PendingDeletion":
            expected = FAILED
        elif given["KeyId"] != self.ids["byok"]:  # of an earlier key, which was deleted
            expected = "InvalidImportToken"
        elif now >= until:
            expected = "ExpiredImportToken"
        elif model and (len(material) != 32 or model.only not in (None, material)):
            expected = "InvalidKeyMaterial"
        if self.agree(code, key, expected) and model:
            model.move({"PendingImport": "Enabled"})
            model.loaded, model.only, model.expires = True, material, now + lasts if lasts else NEVER

    @rule(key=KEYS)
    def delete_material(self, key: str) -> None:
        model = self.models.get(key)
        expected = "" if model and model.external else "Unsupported.Origin"
        if self.agree(self.call("DeleteKeyMaterial", key), key, expected) and model:
            model.lose_material()

    # -- versions, rotation, use --------------------------------------------------------------------------------------

    @rule(key=KEYS)
    def add_version(self, key: str) -> None:
        model = self.models.get(key)
        expected = UNUSABLE.get(model.state, "Rejected.UnsupportedOperation" if model.external else "") if model else ""
        if self.agree(self.call("CreateKeyVersion", key), key, expected) and model:
            model.add_version(self.server.now)

    @rule(key=KEYS, days=st.sampled_from([None, 6, 7, 30, 730]))
    def rotate(self, key: str, days: int | None) -> None:
        model = self.models.get(key)
        expected = UNUSABLE.get(model.state, "Rejected.UnsupportedOperation" if model.external else "") if model else ""
        if not expected and days == 6:
            expected = "InvalidParameter"
        asked = {"EnableAutomaticRotation": "false"}
        if days is not None:
            asked = {"EnableAutomaticRotation": "true", "RotationInterval": f"{days}d"}
        if self.agree(self.call("UpdateRotationPolicy", key, **asked), key, expected) and model:
            model.interval = None if days is None else days * DAY
            model.rotation = NEVER if model.interval is None else model.last + model.interval
            model.resume(self.server.now)

    @rule(key=KEYS)
    def encrypt(self, key: str) -> None:
        model = self.models.get(key)
        code, body = self.server.call("Encrypt", KeyId=self.ids[key], Plaintext="text")
        if self.agree(code, key, UNUSABLE.get(model.state, "") if model else ""):
            self.blobs[key] = [*self.blobs[key][-2:], body["CiphertextBlob"]]

    @rule(seconds=st.sampled_from([1, DAY // 2, DAY, 6 * DAY, 7 * DAY, 40 * DAY, 400 * DAY]))
    def wait(self, seconds: int) -> None:
        self.server.now += seconds
        self.models = {key: model for key, model in self.models.items() if model.settle(self.server.now)}

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def same_keys(self) -> None:
        for key, key_id in self.ids.items():
            code, body = self.server.call("DescribeKey", KeyId=key_id)
            model = self.models.get(key)
            if model is None:
                assert code == "Forbidden.KeyNotFound"
                continue
            shown = body["KeyMetadata"]
            suspended = model.state in ("Disabled", "PendingDeletion")
            rotation = "Disabled" if model.interval is None else "Suspended" if suspended else "Enabled"
            assert (shown["KeyState"], shown["AutomaticRotation"]) == (model.state, rotation)
            assert shown["LastRotationDate"] == iso(model.last)
            assert shown["MaterialExpireTime"] == ("" if model.expires == NEVER else iso(model.expires))
            assert shown["DeleteDate"] == ("" if model.deletion == NEVER else iso(model.deletion))
            assert shown.get("NextRotationDate") == (None if model.rotation == NEVER else iso(model.rotation))

    @invariant()
    def same_versions(self) -> None:
        for key, model in self.models.items():
            code, body = self.server.call("ListKeyVersions", KeyId=self.ids[key], PageSize="0")
            assert (code, body["TotalCount"]) == ("", model.versions)

    @invariant()
    def ciphertexts_live_and_die_with_their_key(self) -> None:
        for key, blobs in self.blobs.items():
            model = self.models.get(key)
            expected = UNUSABLE.get(model.state, "") if model else "Forbidden.KeyNotFound"
            for blob in blobs:
                code, body = self.server.call("Decrypt", CiphertextBlob=blob)
                assert code == expected
                assert code or body["Plaintext"] == "text"


TestKeyLife = KeyLife.TestCase
