"""Holds a connection with the official client, idle but for its own pings; prints `stayed` if it was never lost.

A program of its own: grpcio's messages and grpclib's cannot live in one process.
"""

import sys
import time

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

IDLE_SECONDS = 3.5


def main() -> None:
    options = [
        ("grpc.keepalive_time_ms", 1000),
        ("grpc.keepalive_timeout_ms", 1000),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_time_between_pings_ms", 500),
    ]
    states: list[grpc.ChannelConnectivity] = []
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[1]}", options) as channel:
        channel.subscribe(states.append)
        health = health_pb2_grpc.HealthStub(channel)
        health.Check(health_pb2.HealthCheckRequest(), timeout=5, wait_for_ready=True)
        connected = len(states)
        time.sleep(IDLE_SECONDS)
        health.Check(health_pb2.HealthCheckRequest(), timeout=5)
        lost = [state for state in states[connected:] if state is not grpc.ChannelConnectivity.READY]
    print("lost" if lost or grpc.ChannelConnectivity.READY not in states else "stayed", states)


if __name__ == "__main__":
    main()
