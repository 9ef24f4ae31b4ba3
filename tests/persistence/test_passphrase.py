"""A state file whose records are encrypted under a passphrase."""

from __future__ import annotations

import zlib
from pathlib import Path

import pytest

from kms_mock import KmsMock, StateError
from kms_mock.config import Config
from kms_mock.crypto.errors import InvalidCiphertext
from kms_mock.crypto.passphrase import PassphraseKey, new_salt
from tests.support.state_files import contents, database, files_of, opened

MATERIAL = bytes(range(32))
SEALED = {"keys": [{"id": "k", "material": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}


def sealed(path: Path, passphrase: str) -> Config:
    """Return the options for a sealed file."""
    file = path.with_name("passphrase")
    file.write_text(f"{passphrase}\n")
    return Config(state=path, state_passphrase_file=file)


def test_a_sealed_file(tmp_path: Path) -> None:
    """With a passphrase no key material is in the file, with none it is; equal material looks different in each row."""
    path = tmp_path / "state.db"
    kms = KmsMock(SEALED, config=sealed(path, "correct horse"))
    before = contents(kms.store)
    kms.load({"keys": [{"id": "twin", "material": SEALED["keys"][0]["material"]}]})
    after = contents(kms.store)
    assert MATERIAL not in b"".join(files_of(path).values())
    kms.stop()
    assert MATERIAL not in path.read_bytes()
    kms = KmsMock(config=sealed(path, "correct horse"))
    assert contents(kms.store) == after != before
    kms.stop()
    with opened(tmp_path / "open.db", SEALED):
        pass
    assert MATERIAL in (tmp_path / "open.db").read_bytes()


def test_passphrases_that_do_not_fit(tmp_path: Path) -> None:
    """A wrong, a missing, a superfluous, an empty one, and one whose file is not there: each has its sentence."""
    closed = tmp_path / "closed" / "sealed.db"
    closed.parent.mkdir()
    KmsMock(SEALED, config=sealed(closed, "right")).stop()
    path = tmp_path / "open.db"
    with opened(path):
        pass
    before = files_of(closed)
    with pytest.raises(StateError, match="another passphrase"):
        KmsMock(config=sealed(closed, "wrong"))
    with pytest.raises(StateError, match="is sealed"):
        KmsMock(state=closed)
    with pytest.raises(StateError, match="is not sealed"):
        KmsMock(config=sealed(path, "right"))
    with pytest.raises(StateError, match="is empty"):
        KmsMock(config=sealed(closed, ""))
    with pytest.raises(StateError, match="No such file"):
        KmsMock(config=Config(state=closed, state_passphrase_file=tmp_path / "none"))
    assert files_of(closed)["sealed.db"] == before["sealed.db"]


def test_a_damaged_salt(tmp_path: Path) -> None:
    """It is told as damage of the file, not as a wrong passphrase."""
    path = tmp_path / "state.db"
    config = sealed(path, "right")
    KmsMock(SEALED, config=config).stop()
    with database(path) as connection:
        connection.execute("UPDATE meta SET value = x'00' WHERE name = 'salt'")
    with pytest.raises(StateError, match=r"is damaged \(the salt of its passphrase"):
        KmsMock(config=config)


def test_a_record_cannot_be_moved_in_a_sealed_file(tmp_path: Path) -> None:
    """Whoever swaps the bytes of two records, with the right checksums, is found out."""
    path = tmp_path / "state.db"
    config = sealed(path, "right")
    KmsMock({"secrets": [{"name": name, "value": name} for name in "ab"]}, config=config).stop()
    with database(path) as connection:
        rows = connection.execute(
            "SELECT number, account, region, kind, id, data FROM records WHERE kind = 'Secret'"
        ).fetchall()
        for row, other in zip(rows, reversed(rows), strict=True):
            bound = "\0".join(row[1:5]).encode()
            checksum = zlib.crc32(other[5], zlib.crc32(bound))
            connection.execute(
                "UPDATE records SET data = ?, checksum = ? WHERE number = ?", (other[5], checksum, row[0])
            )
    with pytest.raises(StateError, match="is damaged"):
        KmsMock(config=config)


def test_the_key_is_derived_with_scrypt() -> None:
    """The key is that of RFC 7914 with N 32768, r 8, p 1, by an outside implementation; the salt makes another one."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt  # noqa: PLC0415

    salt = new_salt()
    sealed_text = PassphraseKey(b"secret", salt).seal(b"text", b"place")
    key = Scrypt(salt, 32, 2**15, 8, 1).derive(b"secret")
    assert AESGCM(key).decrypt(sealed_text[:12], sealed_text[12:], b"place") == b"text"
    for passphrase, other, place in (
        (b"other", salt, b"place"),
        (b"secret", new_salt(), b"place"),
        (b"secret", salt, b""),
    ):
        with pytest.raises(InvalidCiphertext):
            PassphraseKey(passphrase, other).unseal(sealed_text, place)
