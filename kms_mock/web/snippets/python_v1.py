"""Python, the older SDK aliyun-python-sdk-core: one request class for every operation."""

from __future__ import annotations

from kms_mock.web.snippets.call import WrittenCall
from kms_mock.web.snippets.literals import double_quoted

TITLE = "Python V1"
_TEMPLATE = """\
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

client = AcsClient({key}, {secret}, {region})
request = CommonRequest()
request.set_domain({endpoint})
request.set_protocol_type("http")
request.set_method("POST")
request.set_version({version})
request.set_action_name({operation})
{parameters}print(client.do_action_with_exception(request).decode())
"""


def write(call: WrittenCall) -> str:
    """Return a script."""
    parameters = "".join(
        f"request.add_query_param({double_quoted(name)}, {double_quoted(value)})\n" for name, value in call.wire
    )
    return _TEMPLATE.format(
        **call.client(),
        version=double_quoted(call.api.version),
        operation=double_quoted(call.name),
        parameters=parameters,
    )
