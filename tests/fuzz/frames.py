"""HTTP/2 frames and protobuf messages, valid ones and what becomes of them when bytes change, at a department."""

import asyncio
import random
import struct
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from betterproto import Message
from grpclib.const import Status
from h2.exceptions import ProtocolError
from hpack import Encoder
from hyperframe.frame import (
    ContinuationFrame,
    DataFrame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from generated import bar
from generated.restaurant import v1
from tests.fuzz.menus import fault_in
from tests.support.http2_peers import Honest, Peer, call_headers, honest_calls, memory_of, message
from tests.support.systems import System

FLOOR = "/restaurant.v1.DepartmentService"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SettingsFrame(settings={}).serialize()
FRAMES_A_CONNECTION = 200
MESSAGES_A_CONNECTION = 200
AT_ONCE = 20
ATTACKERS = 4
GROWTH_MIB = 20.0
WARM = 2000
"""Frames and messages before memory is measured: the first of each kind load what is kept."""

FAULTS = 20
"""An attack ends with so many: each may have been waited for, and they tell enough."""

GOAWAY = 7
OUR_FAULTS = frozenset({Status.UNKNOWN, Status.INTERNAL, Status.DATA_LOSS})


@dataclass(slots=True)
class Attack:
    """What was sent, and what became of it."""

    frames: int = 0
    distorted: int = 0
    sent_away: int = 0
    messages: int = 0
    connections: int = 0
    grown: float = 0.0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    @property
    def mutated(self) -> int:
        """How many frames and messages were not as they should be, or were, by chance, again."""
        return self.distorted + self.messages

    def __str__(self) -> str:
        statuses = ", ".join(f"{name} {count}" for name, count in self.statuses.most_common())
        return (
            f"{self.frames} frames, {self.distorted} of them distorted, and {self.messages} messages on "
            f"{self.connections} connections, {self.sent_away} of them sent away, {len(self.faults)} faults; "
            f"grown by {self.grown:.1f} MiB\n"
            f"  statuses: {statuses}" + "".join(f"\n  {fault}" for fault in self.faults)
        )


async def fuzz(port: int, count: int, number: int, progress: Callable[[Attack], None]) -> Attack:
    """Send so many mutated frames and messages, half of each; `number` is the seed."""
    attack = Attack()

    async def run(chance: random.Random) -> None:
        while attack.mutated < count and len(attack.faults) < FAULTS:
            if attack.distorted <= attack.messages:
                await _send_frames(port, chance, attack)
            else:
                await _send_messages(port, chance, attack)
            progress(attack)

    async with asyncio.TaskGroup() as group:
        for attacker in range(ATTACKERS):
            group.create_task(run(random.Random(f"{number}/{attacker}")))
    return attack


async def besiege(system: System, count: int, number: int, progress: Callable[[Attack], None]) -> tuple[Attack, Honest]:
    """Fuzz the bar; return what came of it, and what honest clients got meanwhile."""
    bar = system["bar"]
    pid = bar.pid
    async with honest_calls(bar.port) as honest:
        await fuzz(bar.port, min(WARM, count), number + 1, progress)
        before = memory_of(pid)

        def weigh(attack: Attack) -> None:
            if bar.is_running:
                attack.grown = memory_of(pid) - before
            progress(attack)

        attack = await fuzz(bar.port, count, number, weigh)
    if not bar.is_running or bar.pid != pid:
        attack.faults.append("the bar did not live")
    if fault := fault_in(bar.output):
        attack.faults.append(f"the bar's log tells of a fault: {fault}")
    if attack.grown >= GROWTH_MIB:
        attack.faults.append(f"the bar has grown by {attack.grown:.1f} MiB")
    system.books.check("bar")
    return attack, honest


async def _send_frames(port: int, chance: random.Random, attack: Attack) -> None:
    attack.connections += 1
    async with Peer.connect(port, greet=False) as peer:
        listening = asyncio.create_task(_until_sent_away(peer.reader))
        await peer.send(PREFACE if chance.random() < 0.95 else changed(PREFACE, chance))
        for frame in _conversation(chance):
            sent = _distorted(frame, chance)
            attack.frames += 1
            for data in sent:
                await peer.send(data)
            if sent != [frame]:
                attack.distorted += 1
                await asyncio.wait([listening], timeout=0.002)  # what follows on a dead connection tests nothing
            if listening.done():
                attack.sent_away += 1
                break
        listening.cancel()


async def _until_sent_away(reader: asyncio.StreamReader) -> None:
    """Read frames until GOAWAY or the end."""
    with suppress(OSError, asyncio.IncompleteReadError):
        while True:
            header = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(header[:3], "big"))
            if header[3] == GOAWAY:
                return


def _conversation(chance: random.Random) -> Iterator[bytes]:
    """Write the frames of an ordinary, talkative peer."""
    encoder, stream_id = Encoder(), 1
    for _ in range(FRAMES_A_CONNECTION // 4):
        path, body = _call(chance)
        block = encoder.encode(call_headers(path, ("x-table", str(chance.randrange(9)))))
        cut = chance.randrange(len(block) + 1) if chance.random() < 0.2 else len(block)
        yield HeadersFrame(stream_id, block[:cut], flags=["END_HEADERS"] if cut == len(block) else []).serialize()
        if cut < len(block):
            yield ContinuationFrame(stream_id, block[cut:], flags=["END_HEADERS"]).serialize()
        data = message(body)
        half = chance.randrange(len(data) + 1)
        yield DataFrame(stream_id, data[:half]).serialize()
        yield DataFrame(stream_id, data[half:], flags=["END_STREAM"]).serialize()
        yield chance.choice([
            PingFrame(opaque_data=chance.randbytes(8)),
            WindowUpdateFrame(stream_id=chance.choice([0, stream_id]), window_increment=chance.randrange(1, 2**20)),
            SettingsFrame(settings={chance.randrange(1, 7): chance.choice([0, 1, 16384, 65535, 2**24 - 1])}),
            PriorityFrame(stream_id=stream_id, depends_on=0, stream_weight=chance.randrange(256)),
            RstStreamFrame(stream_id, error_code=chance.randrange(14)),
            GoAwayFrame(last_stream_id=0, error_code=0) if chance.random() < 0.05 else PingFrame(opaque_data=bytes(8)),
        ]).serialize()  # fmt: skip
        stream_id += 2


def _distorted(frame: bytes, chance: random.Random) -> list[bytes]:
    """Return a frame as it is, or, now and then, otherwise."""
    ways: list[Callable[[], list[bytes]]] = [
        lambda: [frame[:9] + changed(frame[9:], chance)],  # another payload
        lambda: [changed(frame[:9], chance) + frame[9:]],  # another length, type, stream
        lambda: [frame[:3] + bytes([chance.randrange(256)]) + frame[4:]],  # another type
        lambda: [frame[:4] + bytes([chance.randrange(256)]) + frame[5:]],  # other flags
        lambda: [frame[:5] + struct.pack(">I", chance.choice([0, 1, 2, 3, 2**31 - 1])) + frame[9:]],  # another stream
        lambda: [frame, frame],
        lambda: [frame[: chance.randrange(len(frame))]],
        list,
        lambda: [chance.randbytes(chance.randrange(40))],
    ]
    return chance.choice(ways)() if chance.random() < 0.5 else [frame]


async def _send_messages(port: int, chance: random.Random, attack: Attack) -> None:
    attack.connections += 1
    async with Peer.connect(port) as peer:
        for _ in range(MESSAGES_A_CONNECTION // AT_ONCE):
            bodies = [_call(chance) for _ in range(AT_ONCE)]
            sent = [(path, changed(body, chance)) for path, body in bodies]
            calls = [(await peer.call(message(body), path=path), path, body) for path, body in sent]
            for stream_id, path, body in calls:
                await _look_at(peer, stream_id, path, body, attack)


async def _look_at(peer: Peer, stream_id: int, path: str, body: bytes, attack: Attack) -> None:
    attack.messages += 1
    try:
        status, text = await peer.status_of(stream_id)
    except (AssertionError, TimeoutError, ProtocolError) as error:
        attack.faults.append(f"no response to {path} {body.hex()}: {error!r}")
        return
    attack.statuses[Status(status).name] += 1
    if Status(status) in OUR_FAULTS:
        attack.faults.append(f"{Status(status).name} {text} for {path} {body.hex()}")


def _call(chance: random.Random) -> tuple[str, bytes]:
    """Make a valid call's path and message."""
    ids = [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(chance.randrange(1, 4))]
    calls: list[tuple[str, Message]] = [
        ("/bar.Bar/GetOrder", bar.OrderRequest(chance.choice(["coffee", "커피", "beer", "tea"]))),
        (f"{FLOOR}/GetMenu", v1.GetMenuRequest()),
        (
            f"{FLOOR}/PlaceOrders",
            v1.PlaceOrdersRequest(
                order_ids=ids,
                tables=["7"] * len(ids),
                holds=[chance.random() < 0.5] * len(ids),
                line_counts=[1] * len(ids),
                items=[chance.choice(["coffee", "soda", "tea"])] * len(ids),
                quantities=[chance.randrange(1, 4)] * len(ids),
                notes=["no sugar"] * len(ids),
            ),
        ),
        (f"{FLOOR}/ConfirmOrders", v1.ConfirmOrdersRequest(ids, [chance.randrange(4)] * len(ids))),
        (f"{FLOOR}/SuspendOrders", v1.SuspendOrdersRequest(ids, [chance.randrange(4)] * len(ids))),
        (f"{FLOOR}/CancelOrders", v1.CancelOrdersRequest(ids)),
        (
            f"{FLOOR}/ListTickets",
            v1.ListTicketsRequest(after_revision=chance.randrange(1000), limit=2, incarnation="x"),
        ),
        (
            f"{FLOOR}/MoveTicket",
            v1.MoveTicketRequest(ids[0], v1.Verb(1), v1.TicketState(2), "step", "Ana"),
        ),
    ]
    path, request = chance.choice(calls)
    return path, bytes(request)


def changed(data: bytes, chance: random.Random) -> bytes:
    """Change some bytes: flip, set, drop, add, repeat, cut off."""
    result = bytearray(data)
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(result) + 1)
        match chance.randrange(6):
            case 0 if place < len(result):
                result[place] ^= 1 << chance.randrange(8)
            case 1 if place < len(result):
                result[place] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
            case 2:
                del result[place : place + chance.randrange(1, 5)]
            case 3:
                result[place:place] = chance.randbytes(chance.randrange(1, 5))
            case 4:
                result[place:place] = result[place : place + chance.randrange(1, 20)]
            case _:
                del result[place:]
    return bytes(result)
