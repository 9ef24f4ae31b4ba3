"""The curve of SM2 (GM/T 0003.5, sm2p256v1) over Python integers.

Not constant-time: how long a multiplication takes depends on the scalar. The keys of a local stand-in guard nothing, and
`cryptography` does not offer this curve.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import Final

P: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
N: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123

_Affine = tuple[int, int]
_Jacobian = tuple[int, int, int]  # X, Y, Z with x = X / Z^2, y = Y / Z^3; Z == 0 is the point at infinity

_INFINITY: Final[_Jacobian] = (1, 1, 0)
_SCALAR_BITS: Final = 256
_SIZE: Final = 32  # bytes of a coordinate
_UNCOMPRESSED: Final = 4
_COMPRESSED: Final = (2, 3)
_KEY_TEETH: Final = 5  # 31 points: making the table and using it once costs no more than multiplying without one
_GENERATOR_TEETH: Final = 8
_GENERATOR_BLOCKS: Final = 4  # 1,020 points, made once in about 10 ms


@dataclass(frozen=True, slots=True)
class Point:
    """An affine point that lies on the curve; ValueError otherwise. The point at infinity has no `Point`."""

    x: int
    y: int

    def __post_init__(self) -> None:
        if not (0 <= self.x < P and 0 <= self.y < P) or (self.y**2 - self.x**3 - A * self.x - B) % P:
            raise ValueError("the point is not on the SM2 curve")

    def to_bytes(self) -> bytes:
        """Return 64 bytes: both coordinates, big-endian."""
        return self.x.to_bytes(_SIZE, "big") + self.y.to_bytes(_SIZE, "big")

    @classmethod
    def from_bytes(cls, data: bytes) -> Point:
        """Read the point of 65 bytes 04 || x || y or 33 bytes 02/03 || x (GM/T 0003.1, 4.2.10); ValueError otherwise."""
        if len(data) == 2 * _SIZE + 1 and data[0] == _UNCOMPRESSED:
            return cls(int.from_bytes(data[1 : _SIZE + 1], "big"), int.from_bytes(data[_SIZE + 1 :], "big"))
        if len(data) == _SIZE + 1 and data[0] in _COMPRESSED:
            x = int.from_bytes(data[1:], "big")
            y = pow(x**3 + A * x + B, (P + 1) // 4, P)  # p = 3 mod 4
            return cls(x, y if y & 1 == data[0] & 1 else P - y)
        raise ValueError("an SM2 point has 65 bytes starting with 04, or 33 starting with 02 or 03")


GENERATOR: Final = Point(
    0x32C4AE2C_1F198119_5F990446_6A39C994_8FE30BBF_F2660BE1_715A4589_334C74C7,
    0xBC3736A2_F4F6779C_59BDCEE3_6B692153_D0A9877C_C62A4740_02DF32E5_2139F0A0,
)


class Multiples:
    """A table of multiples of one point, by which multiplying it takes a fraction of the doublings (Lim and Lee's comb).

    With t teeth a scalar is read as t rows, one below the other, and each row in b blocks of ceil(256 / (t * b)) columns.
    Every block has a table: its entry d is the sum of the points 2^(lowest bit of a row in this block) * point over the
    bits of d, so that one addition serves one column of all rows in a block, and one doubling a column of all blocks.
    """

    __slots__ = ("_columns", "_row", "_tables", "_teeth")

    def __init__(self, point: Point, teeth: int = _KEY_TEETH, blocks: int = 1) -> None:
        self._teeth: Final = teeth
        self._columns: Final = -(-_SCALAR_BITS // (teeth * blocks))
        self._row: Final = self._columns * blocks  # bits of a row
        lowest: _Jacobian = (point.x, point.y, 1)
        tables = []
        for _ in range(blocks):
            tables.append(self._table(lowest))
            lowest = _double(lowest, self._columns)
        self._tables: Final = tables[::-1]  # the highest bits first

    def _table(self, row: _Jacobian) -> list[_Affine]:
        """Return the table of the block whose lowest row begins with a point."""
        entries = [_INFINITY]
        for tooth in range(self._teeth):
            if tooth:
                row = _double(row, self._row)
            entries += [_add(row, entry) for entry in entries]
        # Only the first entry is the point at infinity: the other multiples have at most `teeth` bits set, those of N more.
        return [(0, 0), *_affine(entries[1:])]

    def times(self, scalar: int) -> _Jacobian:
        """Return `scalar` times the point, for a scalar in 0..2^256-1."""
        columns, row = self._columns, self._row
        bits = f"{scalar:0{self._teeth * row}b}"
        x, y, z = _INFINITY
        for column in range(columns):
            if z:
                # As `_double`; written out, because calls and tuples cost a third of the time.
                delta = z * z % P
                gamma = y * y % P
                beta = 4 * x * gamma % P
                alpha = 3 * (x - delta) * (x + delta) % P
                z = 2 * y * z % P
                x = (alpha * alpha - 2 * beta) % P
                y = (alpha * (beta - x) - 8 * gamma * gamma) % P
            for place, table in zip(range(column, row, columns), self._tables, strict=True):
                digit = int(bits[place::row], 2)
                if not digit:
                    continue
                x2, y2 = table[digit]
                if not z:
                    x, y, z = x2, y2, 1
                    continue
                # madd-2004-hmv of the Explicit-Formulas Database: the second point has Z = 1.
                zz = z * z % P
                h = (x2 * zz - x) % P
                r = (y2 * z * zz - y) % P
                if not h:
                    x, y, z = _INFINITY if r else _double((x2, y2, 1))
                    continue
                hh = h * h % P
                v = x * hh % P
                hhh = h * hh % P
                x = (r * r - hhh - 2 * v) % P
                y = (r * (v - x) - y * hhh) % P
                z = z * h % P
        return x, y, z


@cache
def generator_multiples() -> Multiples:
    """Return the table of the generator, made when it is first used."""
    return Multiples(GENERATOR, _GENERATOR_TEETH, _GENERATOR_BLOCKS)


def multiply(scalar: int, multiples: Multiples) -> Point:
    """Return `scalar` times the point of a table, for a scalar in 1..N-1."""
    return Point(*next(_affine([multiples.times(scalar)])))


def multiply_add(first: int, first_multiples: Multiples, second: int, second_multiples: Multiples) -> Point | None:
    """Return the sum of two products of a scalar (0..N-1) and a point, or None for the point at infinity."""
    total = _add(first_multiples.times(first), second_multiples.times(second))
    return Point(*next(_affine([total]))) if total[2] else None


def _affine(points: Sequence[_Jacobian]) -> Iterator[_Affine]:
    """Yield affine points for Jacobian ones, none at infinity, with one inversion for all (Montgomery's trick)."""
    products = list(accumulate((z for _, _, z in points), lambda left, right: left * right % P, initial=1))
    inverse = pow(products[-1], -1, P)
    inverses: list[int] = []
    for product, (_, _, z) in zip(reversed(products[:-1]), reversed(points), strict=True):
        inverses.append(inverse * product % P)
        inverse = inverse * z % P
    for (x, y, _), inverted in zip(points, reversed(inverses), strict=True):
        square = inverted * inverted % P
        yield x * square % P, y * square * inverted % P


def _double(point: _Jacobian, times: int = 1) -> _Jacobian:
    """Return 2^times * point, by dbl-2001-b of the Explicit-Formulas Database, for a = -3."""
    x, y, z = point
    for _ in range(times):
        delta = z * z % P
        gamma = y * y % P
        beta = 4 * x * gamma % P
        alpha = 3 * (x - delta) * (x + delta) % P
        z = 2 * y * z % P
        x = (alpha * alpha - 2 * beta) % P
        y = (alpha * (beta - x) - 8 * gamma * gamma) % P
    return x, y, z


def _add(left: _Jacobian, right: _Jacobian) -> _Jacobian:
    """add-1998-cmo-2 of the Explicit-Formulas Database."""
    if not left[2]:
        return right
    if not right[2]:
        return left
    (x1, y1, z1), (x2, y2, z2) = left, right
    z1z1, z2z2 = z1 * z1 % P, z2 * z2 % P
    u1, s1 = x1 * z2z2 % P, y1 * z2 * z2z2 % P
    h, r = (x2 * z1z1 - u1) % P, (y2 * z1 * z1z1 - s1) % P
    if not h:
        return _INFINITY if r else _double(left)
    hh = h * h % P
    hhh, v = h * hh % P, u1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - s1 * hhh) % P, z1 * z2 * h % P
