"""Asks a gRPC server for its health, as a container's check or a balancer does."""

import asyncio

from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from infra.grpc.peer_guard import WatchedChannel
from infra.tls import Credentials


async def check_health(host: str, port: int, credentials: Credentials | None, seconds: float) -> str:
    """Answer how the server says it is: `SERVING`, or another text; raises OSError where it cannot be asked."""
    tls = (credentials.contexts.client, credentials.name) if credentials else ()
    channel = WatchedChannel(host, port, *tls)
    try:
        async with asyncio.timeout(seconds):
            answer = await HealthStub(channel).Check(HealthCheckRequest())
    except GRPCError as error:
        return f"{error.status.name}: {error.message}"
    except StreamTerminatedError as error:
        return str(error)
    finally:
        channel.close()
    return HealthCheckResponse.ServingStatus.Name(answer.status)
