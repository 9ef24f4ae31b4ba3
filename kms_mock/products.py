"""The products that a server answers for."""

from __future__ import annotations

from kms_mock import bss, kms, location, sts
from kms_mock.bss.goods import Goods, Sold
from kms_mock.kms import orders
from kms_mock.kms.dedicated import API as INSTANCE_API
from kms_mock.rpc.api import Api

KMS_INSTANCES = Goods(
    product_types=orders.PRODUCT_TYPES,
    parameters=orders.PARAMETERS,
    instances=lambda partition: (Sold(*each) for each in orders.owned(partition)),
    create=orders.create,
    modify=orders.modify,
    remove=orders.remove,
)

APIS: tuple[Api, ...] = (kms.API, INSTANCE_API, sts.API, location.API, bss.make_api({"kms": KMS_INSTANCES}))
