"""Which host names the mock answers for, and which it must keep a program from reaching."""

from __future__ import annotations

import errno

from kms_mock.server.hosts import METADATA_HOST, Hosts, Place

# A loopback address that nothing listens at: mocked names resolve to it, and connections to it go to the mock. Whoever
# still holds it after the interception has ended is refused by the local machine.
RESERVED_ADDRESS = "127.75.77.83"

_DOMAIN = ".aliyuncs.com"


class NotMockedError(OSError):
    """The code under test asked for a host that no mock answers for; nothing left the machine."""


def normal(name: object) -> str:
    """Return a host name in lower case without the final dot; "" for what is no name (None, an undecodable one)."""
    if isinstance(name, bytes | bytearray):
        name = name.decode("ascii", "replace")
    return name.lower().removesuffix(".") if isinstance(name, str) else ""


def is_mocked(name: str) -> bool:
    """Return whether a normal name is an endpoint of a mocked product, or the metadata address of ECS."""
    if name == METADATA_HOST:
        return True
    if not name.endswith(_DOMAIN):
        return False
    from kms_mock.products import APIS  # noqa: PLC0415 (slow, and not needed before the first Alibaba Cloud host)

    return any(api.has_host(name) for api in APIS)


_hosts = Hosts(is_mocked, "")


def place(name: str) -> Place:
    """Return where a normal name is answered: by the mock, nowhere, or elsewhere as ever."""
    return _hosts.place(name, 0)


def not_mocked(name: str) -> NotMockedError:
    """Return the error for a host of Alibaba Cloud that no mock answers for."""
    if is_mocked(name):
        reason = "while no mock was running"
        advice = "Put `with mock_kms():` around it, or let the test use the fixture kms_mock_intercept"
    else:
        reason = "which is not mocked"
        advice = "Replace that client in the test, or use it where KMS is not intercepted"
    return NotMockedError(
        errno.EHOSTUNREACH,
        f"kms-mock: your code asked for {name}, {reason}; nothing was sent to Alibaba Cloud. {advice}.",
    )
