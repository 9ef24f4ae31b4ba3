"""What handlers of BssOpenApi receive besides the common context: the goods, and the ways to an instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from kms_mock.bss import errors
from kms_mock.bss.goods import Goods, Sold
from kms_mock.rpc.context import Context as CommonContext
from kms_mock.store.partition import Partition


class Context(CommonContext):
    """A request to BssOpenApi."""

    goods_by_code: ClassVar[Mapping[str, Goods]] = {}

    def goods(self, code: str, product_type: str) -> Goods:
        """Return the goods with a product code and type. Raises NOT_APPLICABLE."""
        found = self.goods_by_code.get(code)
        if found is None or (product_type and product_type not in found.product_types):
            known = "; ".join(
                f"{each} with {', '.join(goods.product_types)}" for each, goods in self.goods_by_code.items()
            )
            raise errors.NOT_APPLICABLE(f"For sale here is {known}.")
        return found

    def sold(self, goods: Goods) -> Iterator[tuple[Partition, Sold]]:
        """Yield the account's own instances in all regions, each with its partition."""
        account = self.caller.account
        for partition in self.store.partitions(account):
            if partition.region:
                yield from ((partition, each) for each in goods.instances(partition) if each.owner == account)

    def instance(self, goods: Goods, instance_id: str) -> tuple[Partition, Sold]:
        """Return one of the account's own instances with its partition. Raises RESOURCE_NOT_EXISTS."""
        for partition, each in self.sold(goods):
            if each.id == instance_id:
                return partition, each
        raise errors.RESOURCE_NOT_EXISTS(f"Account {self.caller.account} has no instance {instance_id[:100]}.")
