"""Compressed messages: gzip, up to the largest size of a message."""

import zlib

from grpclib.const import Status
from grpclib.exceptions import GRPCError

IDENTITY = "identity"
ENCODINGS = frozenset({IDENTITY, "gzip"})
"""The accepted values of the header `grpc-encoding`."""

ACCEPTED = ("grpc-accept-encoding", "identity,gzip")
"""The header that announces them to clients."""

_GZIP = 16 + zlib.MAX_WBITS


def decompress(data: bytes, most: int) -> bytes:
    """Decompress one gzip message of at most `most` bytes; raises GRPCError."""
    stream = zlib.decompressobj(_GZIP)
    try:
        message = stream.decompress(data, most + 1)
    except zlib.error as error:
        raise GRPCError(Status.INTERNAL, f"the message is not gzip: {error}") from None
    if len(message) > most:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, f"the message, decompressed, has more than {most} bytes")
    if not stream.eof or stream.unused_data:
        raise GRPCError(Status.INTERNAL, "the message is not exactly one gzip stream")
    return message
