"""The record of a secret: how versions and stages change."""

from __future__ import annotations

import pytest

from kms_mock.kms import errors
from kms_mock.kms.errors import ApiError
from kms_mock.kms.model.sealing import Sealed
from kms_mock.kms.model.secret import Secret, SecretVersion, check_data_size, with_stage_moved, with_version


def version(name: str) -> SecretVersion:
    return SecretVersion(name, 0.0, "text", Sealed(b"", b""))


def secret(*names: str, **stages: str) -> Secret:
    """Make a secret with versions; stages say which version they mark."""
    versions = {name: version(name) for name in names}
    return Secret("db", "arn", "Generic", 0.0, 0.0, "1", versions=versions, stages=stages)


def test_a_new_version_leaves_the_old_record_alone() -> None:
    """Records are replaced, never changed."""
    before = secret("v1", ACSCurrent="v1")
    after = with_version(before, version("v2"), ["ACSCurrent"])
    assert before == secret("v1", ACSCurrent="v1")
    assert after.stages == {"ACSCurrent": "v2", "ACSPrevious": "v1"}


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        (["ACSCurrent"], {"ACSCurrent": "v3", "ACSPrevious": "v2", "x": "v1"}),
        (["x"], {"ACSCurrent": "v2", "ACSPrevious": "v1", "x": "v3"}),
        (["ACSPrevious"], {"ACSCurrent": "v2", "ACSPrevious": "v3", "x": "v1"}),
        (["ACSPrevious", "ACSCurrent"], {"ACSCurrent": "v3", "ACSPrevious": "v3", "x": "v1"}),
        (["x", "x"], {"ACSCurrent": "v2", "ACSPrevious": "v1", "x": "v3"}),
    ],
)
def test_what_a_new_version_takes_over(stages: list[str], expected: dict[str, str]) -> None:
    """The named stages move to the new version; the former current becomes previous unless previous is named."""
    before = secret("v1", "v2", ACSCurrent="v2", ACSPrevious="v1", x="v1")
    assert with_version(before, version("v3"), stages).stages == expected


def test_the_earliest_version_without_a_stage_goes() -> None:
    """Of eleven versions the earliest goes that no stage marks; the stages stay as they were (design.md 6)."""
    before = secret(*(f"v{number}" for number in range(10)), ACSCurrent="v0", x="v1", y="v3")
    after = with_version(before, version("new"), ["x2"])
    assert list(after.versions) == ["v0", "v1", *(f"v{number}" for number in range(3, 10)), "new"]
    assert after.stages == {"ACSCurrent": "v0", "x": "v1", "y": "v3", "x2": "new"}


def test_a_version_whose_stage_moved_on_may_go() -> None:
    """A version that the new one takes the last stage of has none any more, so it goes where it is the earliest."""
    before = secret(*(f"v{number}" for number in range(10)), ACSCurrent="v9", x="v0", y="v1")
    after = with_version(before, version("new"), ["x"])
    assert list(after.versions) == [*(f"v{number}" for number in range(1, 10)), "new"]
    assert after.stages == {"ACSCurrent": "v9", "x": "new", "y": "v1"}


def test_a_ninth_stage_is_refused_at_ten_versions_too() -> None:
    """No version goes together with its stages, so that an eleventh version makes no room for a ninth stage."""
    marks = {f"s{number}": "v1" for number in range(7)}
    before = secret(*(f"v{number}" for number in range(10)), ACSCurrent="v0", **marks)
    with pytest.raises(ApiError) as caught:
        with_version(before, version("new"), ["fresh"])
    assert caught.value.spec is errors.SECRET_LIMIT_EXCEEDED


def test_the_limit_of_stages() -> None:
    """A ninth stage is refused, wherever it comes from."""
    marks = {f"s{number}": "v1" for number in range(6)}
    full = secret("v1", "v2", ACSCurrent="v2", ACSPrevious="v1", **marks)
    with pytest.raises(ApiError) as caught:
        with_version(full, version("v3"), ["s6"])
    assert caught.value.spec is errors.SECRET_LIMIT_EXCEEDED
    with pytest.raises(ApiError) as caught:
        with_stage_moved(full, "s6", None, "v1")
    assert caught.value.spec is errors.SECRET_LIMIT_EXCEEDED


def test_moving_a_stage_changes_that_stage_only() -> None:
    """Moving ACSCurrent does not touch ACSPrevious."""
    before = secret("v1", "v2", ACSCurrent="v2", ACSPrevious="v1")
    assert with_stage_moved(before, "ACSCurrent", "v2", "v1").stages == {"ACSCurrent": "v1", "ACSPrevious": "v1"}


@pytest.mark.parametrize(
    ("text", "fits"), [("x" * 30720, True), ("x" * 30721, False), ("é" * 15360, True), ("é" * 15361, False)]
)
def test_the_size_of_a_value_is_counted_in_bytes(text: str, *, fits: bool) -> None:
    """30,720 bytes of UTF-8 fit."""
    if fits:
        check_data_size(text)
        return
    with pytest.raises(ApiError) as caught:
        check_data_size(text)
    assert caught.value.spec is errors.INVALID_PARAMETER


def test_when_something_is_due() -> None:
    """A planned deletion comes before any rotation; without either nothing is ever due."""
    plain = secret("v1", ACSCurrent="v1")
    assert plain.due == float("inf")
    rotating = Secret("db", "arn", "Rds", 0.0, 0.0, "1", next_rotation=5.0)
    assert rotating.due == 5.0
    assert Secret("db", "arn", "Rds", 0.0, 0.0, "1", next_rotation=5.0, planned_delete=9.0).due == 9.0
