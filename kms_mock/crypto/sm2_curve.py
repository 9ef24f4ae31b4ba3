"""The curve of SM2 (GM/T 0003.5, sm2p256v1) over Python integers.

Not constant-time: the keys of a local stand-in guard nothing, and `cryptography` does not offer this curve.
"""

from dataclasses import dataclass
from typing import Final

P: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFF_00000000_FFFFFFFF_FFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E_9D9F5E34_4D5A9E4B_CF6509A7_F39789F5_15AB8F92_DDBCBD41_4D940E93
N: Final = 0xFFFFFFFE_FFFFFFFF_FFFFFFFF_FFFFFFFF_7203DF6B_21C6052B_53BBF409_39D54123

_Jacobian = tuple[int, int, int]  # X, Y, Z with x = X / Z^2, y = Y / Z^3; Z == 0 is the point at infinity

_INFINITY: Final[_Jacobian] = (1, 1, 0)
_WINDOW: Final = 4
_SIZE: Final = 32  # bytes of a coordinate
_UNCOMPRESSED: Final = 4
_COMPRESSED: Final = (2, 3)


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
    def from_bytes(cls, data: bytes) -> "Point":
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


def multiply(scalar: int, point: Point) -> Point:
    """Return `scalar` times `point`, for a scalar in 1..N-1."""
    return _affine(_multiply(scalar, point))


def multiply_add(first: int, first_point: Point, second: int, second_point: Point) -> Point | None:
    """Return first * first_point + second * second_point, or None for the point at infinity."""
    total = _add(_multiply(first, first_point), _multiply(second, second_point))
    return _affine(total) if total[2] else None


def _multiply(scalar: int, point: Point) -> _Jacobian:
    start: _Jacobian = (point.x, point.y, 1)
    multiples = [_INFINITY, start]
    while len(multiples) < 1 << _WINDOW:
        multiples.append(_add(multiples[-1], start))
    result = _INFINITY
    for position in range(256 - _WINDOW, -1, -_WINDOW):
        for _ in range(_WINDOW):
            result = _double(result)
        result = _add(result, multiples[scalar >> position & (1 << _WINDOW) - 1])
    return result


def _affine(point: _Jacobian) -> Point:
    inverse = pow(point[2], -1, P)
    square = inverse * inverse % P
    return Point(point[0] * square % P, point[1] * square * inverse % P)


def _double(point: _Jacobian) -> _Jacobian:
    """dbl-2001-b of the Explicit-Formulas Database, for a = -3."""
    x, y, z = point
    delta = z * z % P
    gamma = y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, 2 * y * z % P


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
