"""Decodes the details of statuses, without Google's protobuf in memory until a call has failed with details: 3 MB."""

from collections.abc import Sequence
from typing import Any

from grpclib.const import Status
from grpclib.encoding.proto import ProtoStatusDetailsCodec


class StatusDetailsCodec(ProtoStatusDetailsCodec):
    """Decodes the details that google.rpc defines; others are decoded to grpclib's placeholder."""

    def decode(self, status: Status, message: str | None, data: bytes) -> Sequence[Any]:
        """Return the details as messages of Google's protobuf."""
        from google.rpc import error_details_pb2  # noqa: F401 - its types are known once it is imported

        return super().decode(status, message, data)
