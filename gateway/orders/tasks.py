"""The tasks that the order path runs beside its clients' requests."""

import asyncio

from infra.supervise import Work, end, supervised


class BackgroundTasks:
    """Tasks that are supervised, and cancelled together."""

    def __init__(self) -> None:
        """Start with none."""
        self._tasks: dict[asyncio.Task[None], None] = {}  # in the order in which they began

    def spawn(self, name: str, work: Work) -> None:
        """Run work in a task of its own."""
        task = asyncio.get_running_loop().create_task(supervised(name, work))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def close(self) -> None:
        """Cancel all tasks, and wait until they ended."""
        await end(self._tasks)
