"""A department of the durable expert pattern: each change of its stock is a SQLite transaction."""

from typing import Any

import grpc
import uvloop

from bench.peers.arguments import department_arguments
from bench.peers.counters import CONTRACTS, DELIVERY, Menu, read_menu, refusal
from bench.peers.files import File

STOCK = "CREATE TABLE IF NOT EXISTS stock (item TEXT PRIMARY KEY, on_hand INTEGER NOT NULL)"


class Counter:
    """Sells one item at a time."""

    def __init__(self, menu: Menu, file: File) -> None:
        """Sell what is in a file."""
        self._menu = menu
        self._file = file

    async def GetOrder(self, request: Any, context: Any) -> Any:  # noqa: N802 - the contract's name
        """Take one from stock."""
        taken = await self._file.commit(
            "UPDATE stock SET on_hand = on_hand - 1 WHERE item = ? AND on_hand > 0", request.order
        )
        if not taken:
            left = 0 if request.order in self._menu.stock else None
            await context.abort(grpc.StatusCode.NOT_FOUND, refusal(self._menu.goods, left))
        return CONTRACTS[self._menu.name].response(order_status=DELIVERY)


async def main() -> None:
    """Serve until the process is ended."""
    arguments = department_arguments()
    menu = read_menu(arguments.menu)
    file = File(arguments.database)
    await file.open(STOCK)
    for item, count in menu.stock.items():
        await file.commit("INSERT OR IGNORE INTO stock VALUES (?, ?)", item, count)
    server = grpc.aio.server()
    CONTRACTS[menu.name].add_to(Counter(menu, file), server)
    server.add_insecure_port(f"127.0.0.1:{arguments.port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(main())
