"""Quotes when new orders will be ready, from what the departments' watches and menus have told.

All of it is in memory, so that a quote costs an order no waiting. A gateway that has just started knows the menus, and
learns the departments' pace from the next tickets that become ready.
"""

from collections.abc import Iterable

from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order
from gateway.domain.ready_time import Pace
from gateway.domain.tickets import ChangePage


class ReadyTimes:
    """The pace and the queue of each department."""

    def __init__(self, departments: Iterable[str]) -> None:
        """Begin with nothing known of these departments."""
        self._paces = {name: Pace() for name in departments}

    def quote(self, order: Order) -> None:
        """Give a new order its quotes, and count it into the queues of its departments."""
        quotes, paces = {}, self._paces
        for name, lines in order.shares.items():
            if name in paces:
                quotes[name] = paces[name].place(lines)
        order.quotes = quotes

    def read_menu(self, menu: MenuSnapshot) -> None:
        """Take over how long the items of a menu take."""
        if menu.is_open:
            self._paces[menu.name].read_menu({item.id: item.prep_seconds for item in menu.items})

    def observe(self, page: ChangePage) -> None:
        """Take in what a department's watch tells."""
        pace = self._paces[page.department]
        if page.tickets:
            pace.observe(page.tickets)
        if page.waiting is not None:
            pace.waiting = page.waiting
