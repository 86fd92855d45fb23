"""Compressed messages: gzip is understood, up to the size that a message may have."""

import zlib

from grpclib.const import Status
from grpclib.exceptions import GRPCError

IDENTITY = "identity"
ENCODINGS = frozenset({IDENTITY, "gzip"})
"""What a message may be compressed with: `grpc-encoding`."""

ACCEPTED = ("grpc-accept-encoding", "identity,gzip")
"""The header by which a client learns of it."""

_GZIP = 16 + zlib.MAX_WBITS


def decompress(data: bytes, most: int) -> bytes:
    """Decompress one gzip message, of which at most `most` bytes are made; raises GRPCError."""
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
