"""What the compiled protos promise, read from the descriptors that the server reflects."""

import re
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from departments.rpc.servicer import DESCRIPTORS, DepartmentServicer
from generated.restaurant import v1

FILES = {file.name: file for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file}

Uses = dict[str, set[str]]
"""Which messages a message holds, by full name."""


def messages(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    waiting = [(f".{file.package}.{message.name}", message) for message in file.message_type]
    while waiting:
        name, message = waiting.pop()
        yield name, message
        waiting += [(f"{name}.{nested.name}", nested) for nested in message.nested_type]


def uses(*files: FileDescriptorProto) -> Uses:
    return {
        name: {field.type_name for field in message.field if field.type == FieldDescriptorProto.TYPE_MESSAGE}
        for file in files
        for name, message in messages(file)
    }


def holds(graph: Uses, name: str) -> set[str]:
    """Everything that a message holds, directly or through others."""
    found: set[str] = set()
    waiting = [*graph[name]]
    while waiting:
        held = waiting.pop()
        if held not in found:
            found.add(held)
            waiting += graph[held]
    return found


def recursive(graph: Uses) -> set[str]:
    return {name for name in graph if name in holds(graph, name)}


def file_with(**fields: str) -> FileDescriptorProto:
    """A file of messages that hold one message each."""
    return FileDescriptorProto(
        package="p",
        message_type=[
            DescriptorProto(
                name=name,
                field=[FieldDescriptorProto(name="it", type=FieldDescriptorProto.TYPE_MESSAGE, type_name=f".p.{held}")],
            )
            for name, held in fields.items()
        ],
    )


def test_no_message_is_recursive() -> None:
    assert recursive(uses(*FILES.values())) == set()


def test_recursion_would_be_found() -> None:
    assert recursive(uses(file_with(A="A"))) == {".p.A"}
    assert recursive(uses(file_with(A="B", B="C", C="B"))) == {".p.B", ".p.C"}


def test_no_message_of_unbounded_depth_is_imported() -> None:
    held = {
        name
        for graph in [uses(*FILES.values())]
        for name in {*graph, *(each for used in graph.values() for each in used)}
    }
    assert not {name for name in held if re.search(r"\.(Struct|Value|ListValue|Any)$", name)}
    assert all(name.startswith((".restaurant.v1.", ".bar.", ".kitchen.", ".bakery.")) for name in held)


def test_there_is_a_file_for_the_department_service_and_one_for_each_counter() -> None:
    assert set(FILES) == {"bakery.proto", "bar.proto", "kitchen.proto", "restaurant/v1/department.proto"}


@pytest.mark.parametrize("service", ["Bar", "Kitchen", "Bakery"])
def test_the_counters_wire_format_is_frozen(service: str) -> None:
    package = service.lower()
    file = FILES[f"{package}.proto"]
    assert (file.package, file.syntax, list(file.dependency)) == (package, "proto3", [])
    (found,) = file.service
    (method,) = found.method
    assert (found.name, method.name) == (service, "GetOrder")
    assert (method.input_type, method.output_type) == (f".{package}.OrderRequest", f".{package}.OrderResponse")
    assert not method.client_streaming
    assert not method.server_streaming
    text, optional = FieldDescriptorProto.TYPE_STRING, FieldDescriptorProto.LABEL_OPTIONAL
    assert {
        message.name: [(f.number, f.name, f.type, f.label, f.proto3_optional) for f in message.field]
        for message in file.message_type
    } == {
        "OrderRequest": [(1, "order", text, optional, False)],
        "OrderResponse": [(1, "order_status", text, optional, False)],
    }


def test_every_rpc_of_the_department_service_is_implemented() -> None:
    (service,) = FILES["restaurant/v1/department.proto"].service
    for method in service.method:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", method.name).lower()
        assert getattr(DepartmentServicer, name) is not getattr(v1.DepartmentServiceBase, name)


OF_A_BATCH = {"trace"}
"""The fields of a batch that its orders share: the span above all of theirs."""


@pytest.mark.parametrize(
    "name",
    ["PlaceOrdersRequest", "PlaceOrdersResponse", "ConfirmOrdersRequest", "SuspendOrdersRequest", "TicketBatch"],
)
def test_a_batch_travels_in_columns(name: str) -> None:
    (message,) = [each for each in FILES["restaurant/v1/department.proto"].message_type if each.name == name]
    for field in message.field:
        if field.name in OF_A_BATCH:
            continue
        assert field.label == FieldDescriptorProto.LABEL_REPEATED
        assert field.type != FieldDescriptorProto.TYPE_MESSAGE
