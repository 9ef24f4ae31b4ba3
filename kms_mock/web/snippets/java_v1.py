"""Java, the older SDK com.aliyun:aliyun-java-sdk-core: one request class for every operation."""

from __future__ import annotations

from kms_mock.web.snippets.call import WrittenCall
from kms_mock.web.snippets.literals import double_quoted

TITLE = "Java V1"
_TEMPLATE = """\
import com.aliyuncs.CommonRequest;
import com.aliyuncs.DefaultAcsClient;
import com.aliyuncs.http.MethodType;
import com.aliyuncs.http.ProtocolType;
import com.aliyuncs.profile.DefaultProfile;

public class Call {{
  public static void main(String[] arguments) throws Exception {{
    DefaultAcsClient client =
        new DefaultAcsClient(DefaultProfile.getProfile({region}, {key}, {secret}));
    CommonRequest request = new CommonRequest();
    request.setSysDomain({endpoint});
    request.setSysProtocol(ProtocolType.HTTP);
    request.setSysMethod(MethodType.POST);
    request.setSysVersion({version});
    request.setSysAction({operation});
{parameters}    System.out.println(client.getCommonResponse(request).getData());
    client.shutdown();
  }}
}}
"""


def write(call: WrittenCall) -> str:
    """Return a class with a main method."""
    parameters = "".join(
        f"    request.putQueryParameter({double_quoted(name)}, {double_quoted(value)});\n" for name, value in call.wire
    )
    return _TEMPLATE.format(
        **call.client(),
        version=double_quoted(call.api.version),
        operation=double_quoted(call.name),
        parameters=parameters,
    )
