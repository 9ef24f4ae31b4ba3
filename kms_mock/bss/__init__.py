"""BssOpenApi, version 2017-12-14: the orders that Terraform's provider places for KMS instances.

What an order makes belongs to another product. That one is handed in (`make_api`), so that no product imports another.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from kms_mock.bss import errors
from kms_mock.bss.context import Context
from kms_mock.bss.goods import Goods
from kms_mock.bss.renewals import renewals
from kms_mock.rpc.api import Api, catalogue


def make_api(goods: Mapping[str, Goods]) -> Api:
    """Return the API that sells these goods, by product code."""

    class BoundContext(Context):
        goods_by_code: ClassVar[Mapping[str, Goods]] = goods

    return Api(
        "BssOpenApi",
        "2017-12-14",
        service="bss",
        host=r"business(?:\.([a-z0-9-]+))?\.aliyuncs\.com",
        context=BoundContext,
        errors=catalogue(errors),
        modules=[f"{__name__}.operations"],
        resources=[renewals],
    )
