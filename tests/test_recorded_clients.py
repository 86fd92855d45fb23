"""Clients of tests that order all the time: what is left of them when a test fails."""

import asyncio
from pathlib import Path

import pytest

from tests.support.processes import free_ports
from tests.support.recorded_clients import Party, ResponseLog

WHY = "not within 60 s"


async def begin_to_order(party: Party) -> None:
    while not party.begun:  # noqa: ASYNC110 - a count tells nobody
        await asyncio.sleep(0)


async def fail_meanwhile(book: ResponseLog) -> None:
    (port,) = free_ports(1)  # nobody listens: the clients would go on asking
    with book:
        party = Party([f"http://127.0.0.1:{port}"], book, seed=1, pause=0.0)
        async with party.celebrating(2):
            await begin_to_order(party)
            raise AssertionError(WHY)


async def test_a_test_that_fails_meanwhile_says_so_and_leaves_nothing_open(tmp_path: Path) -> None:
    book = ResponseLog(tmp_path / "told.jsonl")
    before = asyncio.all_tasks()
    with pytest.raises(AssertionError, match=WHY):
        await fail_meanwhile(book)

    assert asyncio.all_tasks() == before
    with pytest.raises(ValueError, match="closed"):
        book.note_cancel("any")


async def test_clients_learn_what_became_of_their_last_orders(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with ResponseLog(tmp_path / "told.jsonl") as book:
        party = Party([f"http://127.0.0.1:{port}"], book, seed=1, pause=0.0)
        async with party.celebrating(1):
            await begin_to_order(party)

    assert party.begun == party.given_up
