"""Runs wrk, a closed loop: each connection asks again once it is answered."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench.percentiles import PERCENTILES

TIMEOUT_SECONDS = 20
WARM_UP = 0.25
"""The share of a load after which its steady time begins."""

_RESULT = "RESULT "

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies = %s
local requests, turn = {}, 0
local threads = {}
local steady_from
other, steady = 0, 0

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, nanoseconds; } moment; int clock_gettime(int clock, moment *now);")
local moment = ffi.new("moment")

local function now()
  ffi.C.clock_gettime(1, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

function setup(thread)
  table.insert(threads, thread)
end

function init(arguments)
  for number, body in ipairs(bodies) do requests[number] = wrk.format(nil, nil, nil, body) end
  warm_up = tonumber(arguments[1])
end

function request()
  steady_from = steady_from or now() + warm_up
  turn = turn %% #requests + 1
  return requests[turn]
end

function response(status)
  if status ~= 201 then
    other = other + 1
  elseif now() >= steady_from then
    steady = steady + 1
  end
end

function done(summary, latency)
  local thread = threads[1]
  local percentiles = {}
  for _, p in ipairs({%s}) do
    table.insert(percentiles, string.format("[%%g,%%g]", p, p == 100 and latency.max or latency:percentile(p)))
  end
  local errors = summary.errors
  io.write(string.format('%s{"answers":%%d,"microseconds":%%d,"not_created":%%d,"steady":%%d,"warm_up":%%g,"connect":%%d,"read":%%d,"write":%%d,'
    .. '"timeout":%%d,"percentiles":[%%s]}\\n', summary.requests, summary.duration, thread:get("other"),
    thread:get("steady"), thread:get("warm_up"), errors.connect, errors.read, errors.write, errors.timeout,
    table.concat(percentiles, ",")))
end
"""


class WrkFailed(Exception):
    """wrk did not do its work; the message has what it said."""


class Load(msgspec.Struct, frozen=True):
    """What wrk saw. `orders` got 201; latencies in milliseconds, by percentile.

    `steady_orders` are those that were answered in the last `steady_seconds`. At the end of a load as many orders are
    in flight, and not counted, as there are connections; at the start of the steady time as many are, and are.
    """

    orders: int
    seconds: float
    steady_orders: int
    steady_seconds: float
    latencies: dict[float, float]
    errors: dict[str, int]


class _Result(msgspec.Struct):
    answers: int
    microseconds: int
    not_created: int
    steady: int
    warm_up: float
    connect: int
    read: int
    write: int
    timeout: int
    percentiles: list[tuple[float, float]]


def write_script(path: Path, bodies: Sequence[str]) -> None:
    """Write the script that places these orders in turn, and counts every answer that is not 201."""
    table = "{" + ",".join(json.dumps(body) for body in bodies) + "}"
    path.write_text(_SCRIPT % (table, ", ".join(map(str, PERCENTILES)), _RESULT), "utf-8")


def start(script: Path, port: int, connections: int, seconds: int) -> "subprocess.Popen[str]":
    """Start a load; `finish` has what came of it."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"--timeout={TIMEOUT_SECONDS}s", "-s", str(script)]
    command += [f"http://127.0.0.1:{port}/orders", "--", str(seconds * WARM_UP)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finish(wrk: "subprocess.Popen[str]") -> Load:
    """Wait until a load ends; raises WrkFailed."""
    with wrk:
        output, _ = wrk.communicate()
    if wrk.returncode:
        raise WrkFailed(f"wrk ended with {wrk.returncode}: {output}")
    return parse(output)


def parse(output: str) -> Load:
    """Read what the script wrote below wrk's own text; raises WrkFailed."""
    _, found, result = output.rpartition(_RESULT)
    if not found:
        raise WrkFailed(f"wrk wrote no result: {output}")
    read = msgspec.json.decode(result, type=_Result)
    errors = {
        "not 201": read.not_created,
        "connect": read.connect,
        "read": read.read,
        "write": read.write,
        "timeout": read.timeout,
    }
    return Load(
        orders=read.answers - read.not_created,
        seconds=read.microseconds / 1e6,
        steady_orders=read.steady,
        steady_seconds=read.microseconds / 1e6 - read.warm_up,
        latencies={percentile: microseconds / 1000 for percentile, microseconds in read.percentiles},
        errors={kind: count for kind, count in errors.items() if count},
    )


def together(loads: Sequence[Load]) -> Load:
    """Take loads that ran side by side as one; of their latencies, each percentile is the worst one's."""
    kinds = {kind for load in loads for kind in load.errors}
    return Load(
        orders=sum(load.orders for load in loads),
        seconds=max(load.seconds for load in loads),
        steady_orders=sum(load.steady_orders for load in loads),
        steady_seconds=max(load.steady_seconds for load in loads),
        latencies={p: max(load.latencies[p] for load in loads) for p in loads[0].latencies},
        errors={kind: sum(load.errors.get(kind, 0) for load in loads) for kind in kinds},
    )
