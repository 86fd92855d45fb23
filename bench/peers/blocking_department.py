"""A department of the common pattern: a threaded grpcio server, its stock in a dict behind a lock."""

from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import grpc

from bench.peers.arguments import department_arguments
from bench.peers.counters import CONTRACTS, DELIVERY, Menu, read_menu, refusal

WORKERS = 10  # as grpcio's examples have it


class Counter:
    """Sells one item at a time."""

    def __init__(self, menu: Menu) -> None:
        """Open with the menu's stock."""
        self._menu = menu
        self._lock = Lock()

    def GetOrder(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802 - the contract's name
        """Take one from stock."""
        with self._lock:
            left = self._menu.stock.get(request.order)
            if left:
                self._menu.stock[request.order] = left - 1
        if not left:
            context.abort(grpc.StatusCode.NOT_FOUND, refusal(self._menu.goods, left))
        return CONTRACTS[self._menu.name].response(order_status=DELIVERY)


def main() -> None:
    """Serve until the process is ended."""
    arguments = department_arguments()
    menu = read_menu(arguments.menu)
    server = grpc.server(ThreadPoolExecutor(WORKERS))
    CONTRACTS[menu.name].add_to(Counter(menu), server)
    server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    server.start()
    server.wait_for_termination()


if __name__ == "__main__":
    main()
