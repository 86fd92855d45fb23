"""Server reflection for every symbol: grpclib's finds no methods, no enum values, and not itself."""

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any, cast

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    ServiceDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.rpc import error_details_pb2, status_pb2
from grpclib.reflection import _deprecated, service
from grpclib.reflection.v1 import reflection_pb2
from grpclib.reflection.v1alpha import reflection_pb2 as reflection_v1alpha_pb2

if TYPE_CHECKING:
    from google.protobuf.descriptor import FileDescriptor
    from grpclib._typing import IServable

NAMES = ("grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection")

_OURS = (reflection_pb2, reflection_v1alpha_pb2, error_details_pb2, status_pb2)
"""Files that every server describes: reflection itself, and the messages of error details."""


class Symbols:
    """The part of a descriptor pool that grpclib's reflection uses, with an index of all symbols."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        """Index these files, and those that every server has."""
        self._pool = DescriptorPool()
        self._file_of: dict[str, str] = {}
        for file in _with_ours(files):
            self._pool.Add(file)
            self._file_of.update(dict.fromkeys(_symbols_of(file), file.name))

    def FindFileByName(self, name: str) -> "FileDescriptor":  # noqa: N802 - the pool's name
        """Find a file by its name; raises KeyError."""
        return self._pool.FindFileByName(name)

    def FindFileContainingSymbol(self, symbol: str) -> "FileDescriptor":  # noqa: N802 - the pool's name
        """Find the file of a message, field, enum, value, service or method; raises KeyError."""
        return self._pool.FindFileByName(self._file_of[symbol])

    def __getattr__(self, name: str) -> Any:
        """Use the pool's own methods for extensions."""
        return getattr(self._pool, name)


def reflection(services: Collection[str], files: Iterable[FileDescriptorProto]) -> list["IServable"]:
    """Return the services of both versions of the protocol; `services` are the full names of the server's others."""
    symbols, names = Symbols(files), sorted([*services, *NAMES])
    both = (service.ServerReflection, _deprecated.ServerReflection)
    return [cast("IServable", version(_service_names=names, _pool=symbols)) for version in both]


def _with_ours(files: Iterable[FileDescriptorProto]) -> Iterator[FileDescriptorProto]:
    """Yield each file once, after those that it imports."""
    known: set[str] = set()
    for file in files:
        known.add(file.name)
        yield file
    for module in _OURS:
        yield from _behind_its_imports(module.DESCRIPTOR, known)


def _behind_its_imports(file: "FileDescriptor", known: set[str]) -> Iterator[FileDescriptorProto]:
    if file.name in known:
        return
    known.add(file.name)
    for imported in file.dependencies:
        yield from _behind_its_imports(imported, known)
    yield FileDescriptorProto.FromString(file.serialized_pb)


def _symbols_of(file: FileDescriptorProto) -> Iterator[str]:
    prefix = f"{file.package}." if file.package else ""
    for message in file.message_type:
        yield from _symbols_of_message(message, prefix)
    for enum in file.enum_type:
        yield from _symbols_of_enum(enum, prefix)
    for each in file.service:
        yield from _symbols_of_service(each, prefix)
    yield from (prefix + extension.name for extension in file.extension)


def _symbols_of_message(message: DescriptorProto, prefix: str) -> Iterator[str]:
    name = prefix + message.name
    yield name
    for parts in (message.field, message.oneof_decl, message.extension):
        yield from (f"{name}.{part.name}" for part in parts)
    for nested in message.nested_type:
        yield from _symbols_of_message(nested, f"{name}.")
    for enum in message.enum_type:
        yield from _symbols_of_enum(enum, f"{name}.")


def _symbols_of_enum(enum: EnumDescriptorProto, prefix: str) -> Iterator[str]:
    """Yield each value by two names: beside its enum, as protobuf scopes it, and below it, as people write it."""
    yield prefix + enum.name
    for value in enum.value:
        yield prefix + value.name
        yield f"{prefix}{enum.name}.{value.name}"


def _symbols_of_service(service: ServiceDescriptorProto, prefix: str) -> Iterator[str]:
    yield prefix + service.name
    yield from (f"{prefix}{service.name}.{method.name}" for method in service.method)
