"""The official gRPC client, in a process of its own: reads a request a line, writes what came of it a line, in JSON.

It knows the contracts from descriptors.binpb, or from a server's reflection, and nothing of this project's code.
"""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

Json = dict[str, Any]

DESCRIPTORS = Path(__file__).parent.parent.parent / "generated" / "descriptors.binpb"
SECONDS = 10

_DETAILS = {
    kind.DESCRIPTOR.full_name: kind
    for kind in (error_details_pb2.BadRequest, error_details_pb2.ErrorInfo, error_details_pb2.RetryInfo)
}


def call(channel: Any, request: Json) -> Json:
    """Make a unary call, with a message in JSON, as descriptors.binpb describes it."""
    return _call(channel, _pool_of(FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file), request)


def call_by_reflection(channel: Any, request: Json) -> Json:
    """Make a unary call as the server itself describes it, by the reflection protocol of a version."""
    if request["version"] == "v1alpha":
        pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    else:
        pool = _pool_of(_files_of(channel, request["version"], request["service"]))
    return _call(channel, pool, request)


def send_bytes(channel: Any, request: Json) -> Json:
    """Make a unary call with bytes as they are."""
    channel.unary_unary(request["path"])(bytes.fromhex(request["bytes"]), timeout=SECONDS)
    return {}


def health(channel: Any, request: Json) -> Json:
    """Ask for the health of a service."""
    check = health_pb2.HealthCheckRequest(service=request["service"])
    response = health_pb2_grpc.HealthStub(channel).Check(check, timeout=SECONDS)
    return {"status": health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)}


def health_list(channel: Any, request: Json) -> Json:
    """List the health of every service."""
    listed = health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest(), timeout=SECONDS)
    name_of = health_pb2.HealthCheckResponse.ServingStatus.Name
    return {"statuses": {service: name_of(response.status) for service, response in listed.statuses.items()}}


def watch(channel: Any, request: Json) -> Json:
    """Watch the health of a service to the end, write each status at once, and collect them."""
    statuses: list[str] = []
    check = health_pb2.HealthCheckRequest(service=request["service"])
    try:
        for response in health_pb2_grpc.HealthStub(channel).Watch(check, timeout=SECONDS):
            statuses.append(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
            print(json.dumps({"status": statuses[-1]}), flush=True)
    except grpc.RpcError as error:
        return {"statuses": statuses, "ended": error.code().name}
    return {"statuses": statuses, "ended": "OK"}


def watch_changes(channel: Any, request: Json) -> Json:
    """Watch a department's changes, write each page at once, and end after the page that has a ticket of this order."""
    path, seen = "restaurant.v1.DepartmentService", threading.Event()
    pool = _pool_of(FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file)
    method = pool.FindServiceByName(path).FindMethodByName("WatchChanges")
    stub = channel.stream_stream(
        f"/{path}/WatchChanges",
        request_serializer=lambda sent: sent.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )

    def requests() -> Iterator[Any]:
        yield json_format.ParseDict(request["message"], message_factory.GetMessageClass(method.input_type)())
        seen.wait(SECONDS)

    pages = 0
    for page in stub(requests(), timeout=SECONDS):
        pages += 1
        print(json.dumps(json_format.MessageToDict(page, preserving_proto_field_name=True)), flush=True)
        if request["until"] in page.tickets.order_ids:
            seen.set()
    return {"pages": pages}


def file_of(channel: Any, request: Json) -> Json:
    """Find the file of a symbol, by the reflection protocol of a version."""
    asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol=request["symbol"])
    (response,) = _reflect(channel, request["version"], asked)
    (data,) = response.file_descriptor_response.file_descriptor_proto
    return {"file": FileDescriptorProto.FromString(data).name}


def many(channel: Any, request: Json) -> Json:
    """Call with bad metadata while others call on the same connection; returns the codes of both."""
    good = channel.unary_unary(request["path"])
    body = bytes.fromhex(request["bytes"])
    calls = [good.future(body, timeout=SECONDS) for _ in range(request["count"])]
    bad = [good.future(body, timeout=SECONDS, metadata=[(name, value)]) for name, value in request["metadata"]]
    calls += [good.future(body, timeout=SECONDS) for _ in range(request["count"])]
    codes = [call.code().name for call in calls]
    return {"good": sorted(set(codes)), "bad": [call.code().name for call in bad]}


def stream(channel: Any, request: Json) -> Json:
    """Make a call that streams both ways, with these messages."""
    method = channel.stream_stream(request["path"])
    sent = iter([bytes.fromhex(message) for message in request["messages"]])
    return {"received": [response.hex() for response in method(sent, timeout=SECONDS)]}


def services(channel: Any, request: Json) -> Json:
    """List a server's services, by the reflection protocol of a version."""
    (response,) = _reflect(channel, request["version"], reflection_pb2.ServerReflectionRequest(list_services=""))
    return {"services": sorted(service.name for service in response.list_services_response.service)}


def _call(channel: Any, pool: descriptor_pool.DescriptorPool, request: Json) -> Json:
    method = pool.FindServiceByName(request["service"]).FindMethodByName(request["method"])
    message = message_factory.GetMessageClass(method.input_type)()
    stub = channel.unary_unary(
        f"/{request['service']}/{request['method']}",
        request_serializer=lambda sent: sent.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    compression = grpc.Compression.Gzip if request.get("gzip") else None
    response = stub(json_format.ParseDict(request["message"], message), timeout=SECONDS, compression=compression)
    return {"message": json_format.MessageToDict(response, preserving_proto_field_name=True)}


def _files_of(channel: Any, version: str, service: str) -> list[FileDescriptorProto]:
    """Fetch the file of a service, and all that it imports, imports first."""
    found: dict[str, FileDescriptorProto] = {}

    def fetch(request: Any) -> None:
        (response,) = _reflect(channel, version, request)
        for data in response.file_descriptor_response.file_descriptor_proto:
            file = FileDescriptorProto.FromString(data)
            for name in file.dependency:
                if name not in found:
                    fetch(reflection_pb2.ServerReflectionRequest(file_by_filename=name))
            found.setdefault(file.name, file)

    fetch(reflection_pb2.ServerReflectionRequest(file_containing_symbol=service))
    return list(found.values())


def _reflect(channel: Any, version: str, *requests: Any) -> list[Any]:
    # Both versions have the same messages under another package; only v1alpha's ship with grpcio.
    stub = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    return list(stub(iter(requests), timeout=SECONDS))


def _pool_of(files: Any) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.Add(file)
    return pool


def _refusal(error: Any) -> Json:
    status = rpc_status.from_call(error)
    return {
        "code": error.code().name,
        "text": error.details(),
        "details": list(_details(status.details)) if status is not None else [],
    }


def _details(details: Any) -> Iterator[Json]:
    for detail in details:
        message = _DETAILS[detail.TypeName()]()
        detail.Unpack(message)
        yield {"type": detail.TypeName(), **json_format.MessageToDict(message)}


COMMANDS: dict[str, Callable[[Any, Json], Json]] = {
    each.__name__: each
    for each in (
        call,
        call_by_reflection,
        file_of,
        health,
        health_list,
        many,
        send_bytes,
        services,
        stream,
        watch,
        watch_changes,
    )
}


def main() -> None:
    """Serve requests until there are no more."""
    channels: dict[str, Any] = {}
    for text in sys.stdin:
        request: Json = json.loads(text)
        target = request["target"]
        channel = channels.setdefault(target, None) or grpc.insecure_channel(target)
        channels[target] = channel
        try:
            response = {"code": "OK", **COMMANDS[request["command"]](channel, request)}
        except grpc.RpcError as error:
            response = _refusal(error)
        print(json.dumps(response), flush=True)
    for channel in channels.values():
        channel.close()


if __name__ == "__main__":
    main()
