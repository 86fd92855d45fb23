"""The expert pattern, durable: each order is committed to SQLite, by itself, before it is sent to the departments."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import uvicorn
from fastapi import FastAPI

from bench.peers.arguments import gateway_arguments
from bench.peers.counters import CONTRACTS
from bench.peers.files import File
from bench.peers.orders import LineRequest, OrderRequest, OrderResponse, answer, new_order_id

ORDERS = "CREATE TABLE IF NOT EXISTS orders (order_id TEXT PRIMARY KEY, body TEXT NOT NULL)"

arguments = gateway_arguments()
file = File(arguments.database)
stubs: dict[str, Any] = {}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Keep the channels and the database as long as the app runs."""
    await file.open(ORDERS)
    channels = {name: grpc.aio.insecure_channel(address) for name, address in arguments.departments.items()}
    stubs.update({name: CONTRACTS[name].stub(channel) for name, channel in channels.items()})
    yield
    await asyncio.gather(*(channel.close() for channel in channels.values()))
    await file.close()


app = FastAPI(lifespan=lifespan)


@app.post("/orders", status_code=201)
async def place_order(order: OrderRequest) -> OrderResponse:
    """Write the order down, then ask for all lines at once."""
    order_id = new_order_id()
    await file.commit("INSERT INTO orders VALUES (?, ?)", order_id, order.model_dump_json())
    return answer(order_id, order, await asyncio.gather(*(ask(line) for line in order.lines)))


async def ask(line: LineRequest) -> str:
    """Buy one item at a counter."""
    try:
        response = await stubs[line.department].GetOrder(CONTRACTS[line.department].request(order=line.item))
    except grpc.aio.AioRpcError as error:
        return str(error.details())
    return str(response.order_status)


if __name__ == "__main__":
    uvicorn.run(app, port=arguments.port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
