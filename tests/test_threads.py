"""Many real SDK threads against one server: nothing breaks, nothing is lost (design.md 10.15)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count

from alibabacloud_kms20160120.client import Client
from Tea.exceptions import TeaException

from kms_mock import KmsMock
from tests.support.secrets import create, put, sdk, stages, value

THREADS = 8
ROUNDS = 10


def listed(client: Client) -> list[str]:
    """Every name that ListSecrets gives, page by page."""
    names: list[str] = []
    for number in count(1):
        page = sdk(client, "ListSecrets", page_number=number, page_size=100)["SecretList"]["Secret"]
        names += [one["SecretName"] for one in page]
        if len(page) < 100:
            return names
    raise AssertionError


def work(client: Client, me: int) -> None:
    """What one thread does: its own secrets come and go, a shared one gets its mark each round."""
    for turn in range(ROUNDS):
        name = f"t{me}-{turn}"
        create(client, name, "first")
        put(client, "v2", f"value of {name}", name)
        assert name in listed(client)
        assert value(client, name) == f"value of {name}"
        if turn % 2:
            sdk(client, "DeleteSecret", secret_name=name, force_delete_without_recovery="true")
            assert name not in listed(client)
    tags = f'[{{"TagKey": "by-{me}", "TagValue": "{me}"}}]'
    sdk(client, "TagResource", secret_name="shared", tags=tags)


def test_threads(kms: KmsMock) -> None:
    """Eight clients create, put, list, get and delete at once: all calls succeed, and the store holds what remained."""
    create(kms.client(), "shared", "v")
    with ThreadPoolExecutor(THREADS) as pool:
        for worker in [pool.submit(work, kms.client(), me) for me in range(THREADS)]:
            worker.result(timeout=30)

    assert not kms.calls.evicted
    assert {call.status for call in kms.calls} == {200}
    client = kms.client()
    left = [f"t{me}-{turn}" for me in range(THREADS) for turn in range(0, ROUNDS, 2)]
    assert sorted(listed(client)) == sorted(["shared", *left])
    assert [value(client, name) for name in left] == [f"value of {name}" for name in left]
    assert all(stages(client, name) == {"v1": ["ACSPrevious"], "v2": ["ACSCurrent"]} for name in left)
    shared = sdk(client, "DescribeSecret", secret_name="shared", fetch_tags="true")
    assert {tag["TagKey"] for tag in shared["Tags"]["Tag"]} == {f"by-{me}" for me in range(THREADS)}
    with KmsMock(kms.snapshot()) as again:  # a store that is torn would not load
        assert listed(again.client()) == listed(client)


def test_race_for_a_name(kms: KmsMock) -> None:
    """Of eight clients, sharing one SDK client, that create the same name at once exactly one succeeds, name by name."""
    client = kms.client()

    def claim(name: str, me: int) -> str:
        try:
            create(client, name, str(me))
        except TeaException as error:
            return f"{error.statusCode} {error.code}"
        return str(me)

    with ThreadPoolExecutor(THREADS) as pool:
        for name in [f"race-{n}" for n in range(10)]:
            outcomes = list(pool.map(claim, [name] * THREADS, range(THREADS)))
            assert outcomes.count("409 Rejected.ResourceExist") == THREADS - 1
            assert value(client, name) in outcomes
