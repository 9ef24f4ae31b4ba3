"""What BssOpenApi needs of a product whose instances it sells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from kms_mock.store.partition import Partition


class Sold(Struct, frozen=True):
    """One instance as orders see it. Times are epoch seconds; `ends` is None for one that is paid as it is used."""

    id: str
    owner: str
    created: float
    ends: float | None
    prepaid: bool


class Goods(Struct, frozen=True):
    """The instances of a product, and what orders do to them.

    `product_types` are the product types that an order may name. `parameters` are the codes of an order's parameters
    with the largest number of each. `create` makes an instance with these parameters that is paid until a moment, or as
    it is used (None), and returns its id; `modify` changes its parameters; `remove` removes it.
    """

    product_types: tuple[str, ...]
    parameters: Mapping[str, int]
    instances: Callable[[Partition], Iterable[Sold]]
    create: Callable[[Partition, Mapping[str, int], float | None], str]
    modify: Callable[[Partition, str, Mapping[str, int]], None]
    remove: Callable[[Partition, str], None]
