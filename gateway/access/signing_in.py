"""Signing in: by a PIN, by a pairing code, by a table's code; and signing out."""

import asyncio
from dataclasses import dataclass

from gateway.access import secrets, session_store, store
from gateway.access.access import Access
from gateway.access.records import Person, Session
from gateway.access.throttle import Rate, Throttle
from gateway.domain.access import Caller, Guests
from gateway.domain.access_errors import TooOften, WrongSecret
from infra.addresses import network_of
from infra.clock import Clock
from infra.db.database import Database

PERSON_CAP_SECONDS = 30.0
DEVICE_CAP_SECONDS = 60.0

TABLES_A_MINUTE = 120
"""How often a minute guests may open tables from one address, behind which a whole restaurant may be."""

PINS_AT_ONCE = 4
"""Most PINs that are hashed at once: each takes 16 MB and a thread."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was just opened: its id, which only the client keeps."""

    session_id: str
    caller: Caller


class SigningIn:
    """Opens and ends sessions. A session's id changes with each sign-in, so that a planted one is worth nothing."""

    def __init__(self, access: Access, database: Database, clock: Clock) -> None:
        self._access = access
        self._database = database
        self._people = Throttle(clock.monotonic, PERSON_CAP_SECONDS)
        self._devices = Throttle(clock.monotonic, DEVICE_CAP_SECONDS)
        self._tables = Rate(clock.monotonic, TABLES_A_MINUTE)
        self._hashing = asyncio.Semaphore(PINS_AT_ONCE)
        self._waiting = 0

    async def by_pin(self, caller: Caller, name: str, pin: str, origin: str) -> Opened:
        """Sign a person in, on a paired device or, with a long PIN, alone; raises WrongSecret, TooOften.

        Strangers and paired devices have counts of their own, so that the one cannot slow the other down.
        """
        is_paired = caller.key_id is not None and caller.session is not None
        device = caller.key_id if is_paired else network_of(origin)
        self._devices.begin(device, "too many wrong PINs from here")
        self._people.begin((name, is_paired), "too many wrong PINs for this name")
        person = next((each for each in self._access.known.people.values() if each.name == name), None)
        if not await self._is_right(person, pin, is_paired=is_paired):
            await self._access.note(caller, "wrong PIN", name, origin)
            raise WrongSecret("name or PIN")
        assert person is not None  # noqa: S101 - no PIN is right for nobody
        self._devices.succeeded(device)
        self._people.succeeded((name, is_paired))
        key_id = caller.key_id if is_paired else None
        return await self._open(
            caller, "sign-in", person.name, origin, key_id=key_id, person_id=person.person_id, is_proved=True
        )

    async def by_pairing_code(self, caller: Caller, code: str, origin: str) -> Opened:
        """Make this client the device that a code was made for; raises WrongSecret, TooOften."""
        key_id = None
        if await self._database.look_up(store.is_pairing_code, code):
            key_id = await self._database.write(store.use_pairing_code, code, self._access.now_ms)
        if key_id is not None and key_id not in self._access.known.keys:
            await self._access.refresh()
        key = None if key_id is None else self._access.known.keys.get(key_id)
        if key is None:
            await self._note_wrong_code(caller, "wrong pairing code", origin)
            raise WrongSecret("pairing code")
        subject = f"{key.name} ({key.key_id})"
        return await self._open(caller, "device paired", subject, origin, key_id=key_id, is_proved=True)

    async def by_table_code(self, caller: Caller, code: str, origin: str) -> Opened:
        """Sit a guest at a table; raises WrongSecret, TooOften.

        It is no line of the audit log, and limited: whoever has a code could fill log and database.
        """
        table = secrets.table_of_code(self._access.known.table_secret, code)
        if table is None or self._access.policy.guests is Guests.CLOSED:
            await self._note_wrong_code(caller, "wrong table code", origin)
            raise WrongSecret("table code")
        self._tables.count(network_of(origin), "too many tables opened from here")
        return await self._open(caller, None, table, origin, table=table)

    def sits_at(self, caller: Caller, code: str) -> bool:
        """Return whether a guest's session is that of a code's table."""
        table = secrets.table_of_code(self._access.known.table_secret, code)
        return table is not None and caller.session is not None and caller.table == table

    async def out(self, caller: Caller, origin: str, *, everywhere: bool) -> None:
        """End a session: of a person on a device the person's part and the device's; `everywhere` all like it."""
        session = self._access.session_of(caller)
        if session is None:
            return
        line = self._access.line(caller, "sign-out everywhere" if everywhere else "sign-out", "", origin)
        if everywhere:
            await self._database.write(session_store.end_sessions_like, session, line)
        else:
            await self._database.write(session_store.end_session, session.session_hash, line)
        await self._access.refresh()

    async def leave_device(self, caller: Caller, origin: str) -> Opened:
        """End the part of a person in a device's session: the device stays paired."""
        return await self._open(caller, "sign-out", "", origin, key_id=caller.key_id)

    async def _note_wrong_code(self, caller: Caller, what: str, origin: str) -> None:
        """Write a wrong code to the audit log; raises TooOften, and writes nothing, for one of many.

        Only wrong codes are slowed down: whoever shares an address with a guesser is not kept from the right one.
        """
        self._devices.begin(("code", network_of(origin)), "too many wrong codes from here")
        await self._access.note(caller, what, "", origin)

    async def _open(
        self,
        caller: Caller,
        what: str | None,
        subject: str,
        origin: str,
        *,
        key_id: str | None = None,
        person_id: str | None = None,
        table: str | None = None,
        is_proved: bool = False,
    ) -> Opened:
        access, session_id, now_ms = self._access, secrets.new_session(), self._access.now_ms
        proved_at_ms = now_ms if is_proved else 0
        session = Session(secrets.fast_hash(session_id), key_id, person_id, table, now_ms, now_ms, now_ms, proved_at_ms)
        line = None if what is None else access.line(caller, what, subject, origin)
        await self._database.write(session_store.open_session, session, caller.session, line)
        access.remember(session)
        if caller.session is not None:
            await access.refresh()
        opened = await access.of_session(session_id.encode(), acts=True)
        if opened is None:
            raise WrongSecret("code")
        return Opened(session_id, opened)

    async def _is_right(self, person: Person | None, pin: str, *, is_paired: bool) -> bool:
        """Compare a PIN, which takes as long for a name that nobody has."""
        if self._waiting >= 100:
            raise TooOften("too many sign-ins at once", 1.0)
        self._waiting += 1
        try:
            async with self._hashing:
                is_right = await asyncio.to_thread(secrets.is_pin_of, pin, None if person is None else person.pin_hash)
        finally:
            self._waiting -= 1
        return is_right and (is_paired or len(pin) >= secrets.LONG_PIN)
