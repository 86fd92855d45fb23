"""Wakes those who watch a department, after each of its own commits."""

import asyncio


class Commits:
    """Two sets of events: where nobody watches both are empty, and a commit costs a look at them."""

    def __init__(self) -> None:
        self.all: set[asyncio.Event] = set()
        """Set after each commit."""
        self.steps: set[asyncio.Event] = set()
        """Set after each commit that may have changed a ticket with which the staff have ever taken a step."""

    def announce(self, *, moved: bool) -> None:
        """Set the events; `moved`: a ticket with which the staff have taken a step may have changed."""
        for event in self.all:
            event.set()
        if moved:
            for event in self.steps:
                event.set()
