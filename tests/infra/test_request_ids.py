"""The id of the request that is served: taken or made, known to its tasks, forgotten at its end."""

import asyncio

import pytest

from infra.request_ids import RequestId, choose_request_id, current_request_id, make_request_id


def chosen(sent: bytes | None) -> str:
    return choose_request_id([(b"host", b"x"), *([] if sent is None else [(b"x-request-id", sent)])])


@pytest.mark.parametrize("sent", [b"a", b"table-7/attempt:2", b"~" * 128])
def test_an_id_that_was_sent_is_taken(sent: bytes) -> None:
    assert chosen(sent) == sent.decode()


@pytest.mark.parametrize("sent", [None, b"", b"a b", b"a\tb", b"x" * 129, b"caf\xc3\xa9", b"\x7f", b"a\n"])
def test_an_id_that_is_none_is_replaced(sent: bytes | None) -> None:
    value = chosen(sent)
    assert value
    assert value.isascii()
    assert value.isprintable()
    assert sent is None or value.encode() != sent


def test_ids_that_are_made_differ() -> None:
    assert len({make_request_id() for _ in range(1000)}) == 1000


async def test_tasks_of_a_request_know_its_id_until_it_is_over() -> None:
    seen: list[str | None] = []
    is_over = asyncio.Event()

    async def work() -> None:
        seen.append(current_request_id())
        await is_over.wait()
        seen.append(current_request_id())

    async def serve() -> asyncio.Task[None]:
        request = RequestId.begin("mine")
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        request.end()
        return task

    task = await asyncio.create_task(serve())
    is_over.set()
    await task
    assert seen == ["mine", None]
    assert current_request_id() is None


async def test_requests_that_are_served_at_the_same_time_have_an_id_each() -> None:
    async def serve(sent: str) -> str | None:
        RequestId.begin(sent)
        await asyncio.sleep(0)
        return current_request_id()

    assert [*await asyncio.gather(serve("one"), serve("two"))] == ["one", "two"]
