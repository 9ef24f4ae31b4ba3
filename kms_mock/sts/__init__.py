"""STS, the Security Token Service, version 2015-04-01: temporary credentials of RAM roles."""

from __future__ import annotations

from kms_mock.identity import identities, sessions
from kms_mock.rpc.api import Api, catalogue
from kms_mock.sts import errors

API = Api(
    "Sts",
    "2015-04-01",
    errors=catalogue(errors),
    host=r"sts(?:-vpc)?(?:\.([a-z0-9-]+))?\.aliyuncs\.com",
    xml_root="{operation}Response",
    modules=[f"{__name__}.operations"],
    resources=[
        identities.groups,
        identities.oidc_providers,
        identities.ram_policies,
        identities.roles,
        identities.saml_providers,
        identities.users,
        sessions.sessions,
    ],
)
