"""How answers leave; what is done against hostile peers is shown in tests/hardening."""

import asyncio
from typing import cast

from plumbing.http_guard import HeldHead


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def held() -> tuple[Transport, HeldHead]:
    transport = Transport()
    return transport, HeldHead(cast("asyncio.Transport", transport))


def test_a_head_leaves_together_with_the_first_of_its_body() -> None:
    transport, held_head = held()
    held_head.write(b"head ")
    assert transport.written == []
    held_head.write(b"body")
    held_head.write(b" and more")
    assert transport.written == [b"head body", b" and more"]
    held_head.flush()
    assert len(transport.written) == 2


def test_a_head_that_nothing_follows_leaves_when_the_answer_is_complete() -> None:
    transport, held_head = held()
    held_head.write(b"head")
    held_head.flush()
    held_head.flush()
    assert transport.written == [b"head"]


def test_a_head_leaves_before_its_connection_is_closed() -> None:
    transport, held_head = held()
    held_head.write(b"head")
    held_head.close()
    assert transport.written == [b"head"]
    assert held_head.is_closing()
