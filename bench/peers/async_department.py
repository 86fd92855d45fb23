"""A department of the expert pattern: a grpc.aio server, its stock in a dict."""

from typing import Any

import grpc
import uvloop

from bench.peers.arguments import department_arguments
from bench.peers.counters import CONTRACTS, DELIVERY, Menu, read_menu, refusal


class Counter:
    """Sells one item at a time."""

    def __init__(self, menu: Menu) -> None:
        """Open with the menu's stock."""
        self._menu = menu

    async def GetOrder(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        """Take one from stock."""
        left = self._menu.stock.get(request.order)
        if not left:
            await context.abort(grpc.StatusCode.NOT_FOUND, refusal(self._menu.goods, left))
            return None
        self._menu.stock[request.order] = left - 1
        return CONTRACTS[self._menu.name].response(order_status=DELIVERY)


async def main() -> None:
    """Serve until the process is ended."""
    arguments = department_arguments()
    menu = read_menu(arguments.menu)
    server = grpc.aio.server()
    CONTRACTS[menu.name].add_to(Counter(menu), server)
    server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
