"""A client's own log of the responses that it received: what the audit compares the journal with."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from infra.errors import StartError
from ops.audit.rules import AcknowledgedOrder


class ClientRecord(msgspec.Struct):
    """One line of the log: a response that the client received, or a cancel that it is about to request.

    In the file a response is called `answer`.
    """

    order_id: Annotated[str, msgspec.Meta(min_length=1)]
    response: AcknowledgedOrder | None = msgspec.field(default=None, name="answer")
    cancel: bool = False


_decode_record = msgspec.json.Decoder(ClientRecord).decode


class ClientLog:
    """A file of JSON lines: one for each response that a client received, and one before each cancel it requested.

    `{"order_id": …, "answer": {"status": …, "lines": [{"outcome": …}, …]}}` or `{"order_id": …, "cancel": true}`
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet: each call reads the file again, because it may grow while the audit runs."""
        self._path = path

    def records(self) -> Iterator[ClientRecord]:
        """Read every complete line; raises StartError for a file or a line that cannot be read."""
        try:
            with self._path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if not line.endswith(b"\n"):
                        return  # the client is still writing it, or crashed while it wrote it
                    try:
                        yield _decode_record(line)
                    except msgspec.DecodeError as error:
                        raise StartError(f"{self._path}, line {number}: {error}") from None
        except OSError as error:
            raise StartError(f"{self._path} cannot be read: {error.strerror}") from None

    def responses(self) -> Iterator[tuple[str, AcknowledgedOrder]]:
        """Read each order's id with a response that the client received; an order may occur several times."""
        return ((record.order_id, record.response) for record in self.records() if record.response is not None)

    def cancelled(self) -> set[str]:
        """Return the ids of the orders that the client wanted to cancel."""
        return {record.order_id for record in self.records() if record.cancel}
