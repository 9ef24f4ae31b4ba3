"""Node, the vendor's core SDK @alicloud/pop-core: one method for every operation."""

from __future__ import annotations

from kms_mock.web.snippets.call import WrittenCall
from kms_mock.web.snippets.literals import double_quoted

TITLE = "Node"
_TEMPLATE = """\
const {{ RPCClient }} = require("@alicloud/pop-core");

const client = new RPCClient({{
  accessKeyId: {key},
  accessKeySecret: {secret},
  endpoint: {url},
  apiVersion: {version},
}});

client
  .request({operation}, {{{parameters}}}, {{ method: "POST" }})
  .then((answer) => console.log(answer));
"""


def write(call: WrittenCall) -> str:
    """Return a script."""
    lines = "".join(
        f"    {double_quoted(name)}: {double_quoted(value)},\n" for name, value in (*call.system, *call.wire)
    )
    return _TEMPLATE.format(
        **call.client(),
        url=double_quoted(f"http://{call.endpoint}"),
        version=double_quoted(call.api.version),
        operation=double_quoted(call.name),
        parameters=f"\n{lines}  " if lines else "",
    )
