"""The three counters, as grpcio-tools compiles them when the benchmark starts."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bakery_pb2
import bakery_pb2_grpc
import bar_pb2
import bar_pb2_grpc
import kitchen_pb2
import kitchen_pb2_grpc

DELIVERY = "Delivery!"


@dataclass(frozen=True, slots=True)
class Contract:
    """What one counter's generated code offers."""

    request: Any
    response: Any
    stub: Any
    add_to: Any


CONTRACTS = {
    "bar": Contract(
        bar_pb2.OrderRequest, bar_pb2.OrderResponse, bar_pb2_grpc.BarStub, bar_pb2_grpc.add_BarServicer_to_server
    ),
    "kitchen": Contract(
        kitchen_pb2.OrderRequest,
        kitchen_pb2.OrderResponse,
        kitchen_pb2_grpc.KitchenStub,
        kitchen_pb2_grpc.add_KitchenServicer_to_server,
    ),
    "bakery": Contract(
        bakery_pb2.OrderRequest,
        bakery_pb2.OrderResponse,
        bakery_pb2_grpc.BakeryStub,
        bakery_pb2_grpc.add_BakeryServicer_to_server,
    ),
}


@dataclass(frozen=True, slots=True)
class Menu:
    """A department's name, what it calls its goods, and its opening stock by item."""

    name: str
    goods: str
    stock: dict[str, int]


def read_menu(path: Path) -> Menu:
    """Read one of Comanda's menu files."""
    file = tomllib.loads(path.read_text("utf-8"))
    return Menu(file["name"], file["goods"], {item["id"]: item["stock"] for item in file["items"]})


def refusal(goods: str, left: int | None) -> str:
    """Say why an item is not to be had; `left` is None for what is not on the menu."""
    return f"{goods} not Found" if left is None else f"{goods} out of stock"
