"""The planted bugs, by the part of the product that they are in. An import of this package registers all of them."""

from tests.simulation.plants import (
    archive,
    departments,
    durability,
    following,
    leases,
    lines,
    order_path,
    orders,
    stock,
    watches,
)

__all__ = [
    "archive",
    "departments",
    "durability",
    "following",
    "leases",
    "lines",
    "order_path",
    "orders",
    "stock",
    "watches",
]
