"""Messages with plain attributes are the same on the wire as protobuf's own classes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import betterproto
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from departments.rpc.servicer import DESCRIPTORS
from generated.restaurant import v1
from infra.grpc.plain_messages import use_plain_attributes

use_plain_attributes(v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)

POOL = DescriptorPool()
for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
    POOL.Add(file)

PROTOBUF: dict[type[betterproto.Message], Any] = {
    kind: GetMessageClass(POOL.FindMessageTypeByName(f"restaurant.v1.{kind.__name__}"))
    for kind in (v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)
}

texts = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=10), max_size=4)
uint32s = st.lists(st.integers(0, 2**32 - 1), max_size=4)
uint64s = st.lists(st.integers(0, 2**64 - 1), max_size=4)
requests = st.fixed_dictionaries(
    {},
    optional={
        "order_ids": texts,
        "tables": texts,
        "holds": st.lists(st.booleans(), max_size=4),
        "line_counts": uint32s,
        "items": texts,
        "quantities": uint32s,
        "notes": texts,
    },
)
responses = st.fixed_dictionaries(
    {},
    optional={
        "states": st.lists(st.integers(0, 6), max_size=4),
        "line_counts": uint32s,
        "outcomes": st.lists(st.integers(0, 4), max_size=4),
        "available": uint32s,
        "unit_prices": uint64s,
    },
)


def columns(message: Any) -> dict[str, list[Any]]:
    """The columns of either kind of message, but for the empty ones."""
    names = [field.name for field in PROTOBUF[kind_of(message)].DESCRIPTOR.fields]
    return {name: list(getattr(message, name)) for name in names if len(getattr(message, name))}


def scalars_and_columns(message: Any) -> dict[str, Any]:
    """The fields of either kind of message."""
    names = [field.name for field in PROTOBUF[kind_of(message)].DESCRIPTOR.fields]
    values = {name: getattr(message, name) for name in names}
    return {name: value if isinstance(value, int | str | bytes) else list(value) for name, value in values.items()}


def kind_of(message: Any) -> type[betterproto.Message]:
    (kind,) = [kind for kind in PROTOBUF if kind.__name__ == type(message).__name__]
    return kind


def pairs(kind: type[betterproto.Message], values: dict[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """The same message as our bytes and as protobuf's: built at once, and filled bit by bit."""
    theirs = PROTOBUF[kind](**values).SerializeToString()
    yield bytes(kind(**values)), theirs
    filled = kind()
    for name, column in values.items():
        setattr(filled, name, column)
    yield bytes(filled), theirs
    appended = kind()
    for name, column in values.items():
        getattr(appended, name).extend(column)
    yield bytes(appended), theirs


@given(requests)
def test_a_request_is_the_same_bytes_and_reads_the_same(values: dict[str, Any]) -> None:
    for ours, theirs in pairs(v1.PlaceOrdersRequest, values):
        assert ours == theirs
        expected = {name: column for name, column in values.items() if column}
        assert columns(v1.PlaceOrdersRequest().parse(theirs)) == expected
        assert columns(PROTOBUF[v1.PlaceOrdersRequest].FromString(ours)) == expected


@given(responses)
def test_a_response_is_the_same_bytes_and_reads_the_same(values: dict[str, Any]) -> None:
    for ours, theirs in pairs(v1.PlaceOrdersResponse, values):
        assert ours == theirs
        expected = {name: column for name, column in values.items() if column}
        assert columns(v1.PlaceOrdersResponse().parse(theirs)) == expected
        assert columns(PROTOBUF[v1.PlaceOrdersResponse].FromString(ours)) == expected


@given(st.integers(0, 2**64 - 1), requests, st.binary(max_size=10))
def test_a_numbered_request_is_the_same_bytes_and_reads_the_same(
    number: int, values: dict[str, Any], trace: bytes
) -> None:
    theirs = PROTOBUF[v1.StreamOrdersRequest](number=number, trace=trace, **values)
    ours = v1.StreamOrdersRequest(number=number, trace=trace, **values)
    assert bytes(ours) == theirs.SerializeToString()
    read = v1.StreamOrdersRequest().parse(theirs.SerializeToString())
    assert (read.number, scalars_and_columns(read)) == (number, scalars_and_columns(theirs))
    assert PROTOBUF[v1.StreamOrdersRequest].FromString(bytes(ours)) == theirs


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.text(max_size=10), responses)
def test_a_numbered_response_is_the_same_bytes_and_reads_the_same(
    number: int, status: int, text: str, values: dict[str, Any]
) -> None:
    theirs = PROTOBUF[v1.StreamOrdersResponse](number=number, status=status, message=text, **values)
    ours = v1.StreamOrdersResponse(number=number, status=status, message=text, **values)
    assert bytes(ours) == theirs.SerializeToString()
    read = v1.StreamOrdersResponse().parse(theirs.SerializeToString())
    assert scalars_and_columns(read) == scalars_and_columns(theirs)
    assert PROTOBUF[v1.StreamOrdersResponse].FromString(bytes(ours)) == theirs


def test_scalars_that_were_not_sent_are_zero_or_empty() -> None:
    response = v1.StreamOrdersResponse().parse(b"")
    assert (response.number, response.status, response.message, response.states) == (0, 0, "", [])


def test_columns_that_were_not_sent_are_empty_lists_of_their_own() -> None:
    first, second = v1.PlaceOrdersRequest(), v1.PlaceOrdersRequest().parse(b"")
    assert first.items == second.items == []
    first.items.append("tea")
    assert second.items == []
    assert v1.PlaceOrdersRequest().items == []


def test_a_field_that_is_not_known_is_passed_over() -> None:
    unknown = bytes([0xF8, 0x07, 1])  # field 127, a number
    message = v1.PlaceOrdersRequest().parse(bytes(v1.PlaceOrdersRequest(items=["tea"])) + unknown)
    assert message.items == ["tea"]


def test_numbers_that_come_unpacked_are_read_too() -> None:
    message = v1.PlaceOrdersRequest().parse(bytes([0x30, 1, 0x30, 2]))  # field 6, quantities, one at a time
    assert message.quantities == [1, 2]


def test_enums_keep_their_names() -> None:
    message = v1.PlaceOrdersResponse().parse(
        bytes(v1.PlaceOrdersResponse(outcomes=[v1.Outcome.from_string("ACCEPTED")]))
    )
    assert [outcome.name for outcome in message.outcomes] == ["ACCEPTED"]


def test_messages_that_are_alike_are_equal() -> None:
    assert v1.PlaceOrdersRequest(items=["tea"]) == v1.PlaceOrdersRequest(items=["tea"])
    assert v1.PlaceOrdersRequest(items=["tea"]) != v1.PlaceOrdersRequest(items=["milk"])


@dataclass(eq=False, repr=False)
class RepeatedMessages(betterproto.Message):
    names: list[str] = betterproto.string_field(1)  # noqa: RUF009 - as betterproto writes it
    lines: list[v1.TicketLine] = betterproto.message_field(2)  # noqa: RUF009 - as betterproto writes it


@dataclass(eq=False, repr=False)
class Map(betterproto.Message):
    names: list[str] = betterproto.string_field(1)  # noqa: RUF009 - as betterproto writes it
    titles: dict[str, str] = betterproto.map_field(2, betterproto.TYPE_STRING, betterproto.TYPE_STRING)  # noqa: RUF009 - as betterproto writes it


@dataclass(eq=False, repr=False)
class OneOf(betterproto.Message):
    names: list[str] = betterproto.string_field(1)  # noqa: RUF009 - as betterproto writes it
    title: str = betterproto.string_field(2, group="either")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        (v1.MoveTicketResponse, "ticket"),
        (v1.ConfirmOrdersResponse, "tickets"),
        (RepeatedMessages, "lines"),
        (Map, "titles"),
        (OneOf, "title"),
    ],
)
def test_a_message_with_anything_but_scalars_and_columns_is_refused_and_left_as_it_is(
    kind: type[betterproto.Message], field: str
) -> None:
    with pytest.raises(TypeError, match=rf"^{kind.__name__}\.{field} is neither a scalar nor a column of scalars$"):
        use_plain_attributes(kind)
    assert kind.__getattribute__ is betterproto.Message.__getattribute__
    assert kind.__setattr__ is betterproto.Message.__setattr__
