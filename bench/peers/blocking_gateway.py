"""The common pattern: FastAPI, a blocking client, a channel for each call, three calls one after another."""

import grpc
import uvicorn
from fastapi import FastAPI

from bench.peers.arguments import gateway_arguments
from bench.peers.counters import CONTRACTS
from bench.peers.orders import LineRequest, OrderRequest, OrderResponse, answer, new_order_id

arguments = gateway_arguments()
app = FastAPI()


@app.post("/orders", status_code=201)
def place_order(order: OrderRequest) -> OrderResponse:
    """Ask for one line after another, in one of FastAPI's threads."""
    return answer(new_order_id(), order, [ask(line) for line in order.lines])


def ask(line: LineRequest) -> str:
    """Buy one item at a counter."""
    contract = CONTRACTS[line.department]
    with grpc.insecure_channel(arguments.departments[line.department]) as channel:
        try:
            response = contract.stub(channel).GetOrder(contract.request(order=line.item))
        except grpc.RpcError as error:
            return str(error.details())
    return str(response.order_status)


if __name__ == "__main__":
    uvicorn.run(app, port=arguments.port, loop="uvloop", http="httptools", access_log=False, log_level="warning")
