"""Location, version 2015-06-12: where clients of the first generation ask for a product's endpoint."""

from __future__ import annotations

from kms_mock.rpc.api import Api

API = Api(
    "Location",
    "2015-06-12",
    host=r"location(?:-readonly|-inner)?(?:\.([a-z0-9-]+))?\.aliyuncs\.com",
    modules=[f"{__name__}.operations"],
)
