"""Access: who a caller is, by keys and people that are kept in memory, and sessions that are read once.

Every change that takes a right away counts a revision up in the database. `watch` reads it twice a second, so that what
is revoked anywhere is refused by every gateway within 2 seconds, and a request costs no query.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.access import changes, secrets, session_store, store
from gateway.access.callers import Callers
from gateway.access.policy import PAIRING_SECONDS, AccessPolicy
from gateway.access.records import AuditLine, Session, Snapshot
from gateway.domain.access import Caller, Role
from gateway.domain.access_errors import SignInNeeded
from infra.clock import Clock
from infra.db.database import Database
from infra.errors import DatabaseError

POLL_SECONDS = 0.5
FLUSH_POLLS = 60
"""After how many polls it is written when sessions, keys and people were last used."""

MOST_SESSIONS = 20_000
"""Most sessions that are kept in memory; the ones that were used longest ago are read again when they are used."""

CHECK_MS = 60_000
"""After which time it is found out again whose a session is, and whether it has ended."""

_is_session_id = re.compile(rb"[A-Za-z0-9_-]{43}").fullmatch

log = structlog.get_logger("access")


@dataclass(slots=True)
class _Kept:
    """A session in memory, with whose it is: None until somebody uses it."""

    session: Session
    caller: Caller | None = None
    until_ms: int = 0
    """From when on the caller has to be found out again."""


class Access:
    """Keys, people and sessions of one restaurant, as this gateway knows them."""

    def __init__(self, database: Database, policy: AccessPolicy, clock: Clock) -> None:
        self.policy = policy
        self.callers = Callers(policy)
        self.guest = self.callers.guest
        self.known = Snapshot(-1, "", {}, {}, {})
        self._database = database
        self._wall = clock.wall
        self._sessions: OrderedDict[str, _Kept] = OrderedDict()
        self._of_keys: dict[str, Caller] = {}
        self._used_sessions: dict[str, Session] = {}
        self._used_keys: dict[str, int] = {}
        self._used_people: dict[str, int] = {}
        self._streams: dict[object, tuple[Caller, Callable[[], None]]] = {}

    @property
    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self._wall() * 1000)

    async def start(self) -> str | None:
        """Read all keys and people; return a pairing code for the manager's key where this is the first start."""
        key_id = await self._database.write(store.begin, self.policy.first_key, self.now_ms)
        await self.refresh()
        if key_id is None or self.policy.first_key:
            return None
        code = secrets.new_code()
        ends_at_ms = self.now_ms + PAIRING_SECONDS * 1000
        await self._database.write(
            store.make_pairing_code, key_id, code, ends_at_ms, now_ms=self.now_ms, who="first start", origin="start"
        )
        return code

    async def watch(self) -> None:
        """Follow what is revoked by any gateway or command, and write what was used, until cancelled."""
        polls = 0
        while True:
            await asyncio.sleep(POLL_SECONDS)
            polls += 1
            try:
                if await self._database.look_up(store.revision) != self.known.revision:
                    await self.refresh()
                if polls % FLUSH_POLLS == 0:
                    self._end_streams()
                    await self.flush()
            except DatabaseError as error:
                log.debug("access cannot be read", reason=str(error))

    async def refresh(self) -> None:
        """Read all keys and people again, and forget the sessions that were ended."""
        self.known = await self._database.read(store.snapshot, self.known.revision)
        self._of_keys.clear()
        for session_hash in self.known.ended:
            self._sessions.pop(session_hash, None)
            self._used_sessions.pop(session_hash, None)
        for kept in self._sessions.values():
            kept.caller = None
        self._end_streams()

    async def flush(self) -> None:
        """Write when sessions, keys and people were last used."""
        used, self._used_sessions = self._used_sessions, {}
        key_times, self._used_keys = self._used_keys, {}
        person_times, self._used_people = self._used_people, {}
        if used or key_times or person_times:
            await self._database.write(
                session_store.note_use, list(used.values()), key_times, person_times, self.now_ms
            )
            await self._database.write(changes.shorten_audit)

    def of_key(self, secret: bytes) -> Caller:
        """Return who sends a key; raises SignInNeeded for one that is not valid.

        Keys are looked up by the hash of their secrets, so the time that it takes says nothing about them.
        """
        key_id = self.known.key_ids.get(secrets.fast_hash(secret))
        if key_id is None:
            raise SignInNeeded
        self._used_keys[key_id] = self.now_ms
        caller = self._of_keys.get(key_id)
        if caller is None:
            caller = self._of_keys[key_id] = self.callers.of_key(self.known.keys[key_id])
        return caller

    async def of_session(self, session_id: bytes, *, acts: bool) -> Caller | None:
        """Return who has a session, which `acts` if the request may change something; None for one that has ended."""
        if not _is_session_id(session_id):
            return None
        session_hash = secrets.fast_hash(session_id)
        if session_hash not in self._sessions:
            found = await self._load(session_hash)
            if found is None:
                return None
            self.remember(found)
        kept, now_ms = self._sessions[session_hash], self.now_ms
        if kept.caller is None or now_ms >= kept.until_ms:
            kept.caller = self.callers.of_session(kept.session, self.known, now_ms)
            if kept.caller is None:
                del self._sessions[session_hash]
                return None
            ends_at_ms = self.callers.holds_until_ms(kept.session, kept.caller, self.known)
            kept.until_ms = min(ends_at_ms, now_ms + CHECK_MS)
        self._note_use(kept.session, kept.caller, now_ms, acts=acts)
        return kept.caller

    def remember(self, session: Session) -> None:
        """Keep a session in memory."""
        self._sessions[session.session_hash] = _Kept(session)
        if len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def forget(self, session_hash: str) -> None:
        """Keep a session in memory no longer."""
        self._sessions.pop(session_hash, None)

    def end_when_revoked(self, caller: Caller, end: Callable[[], None]) -> Callable[[], object]:
        """Call `end` once a caller's key, person or session is revoked or has ended; return a function that stops this.

        It is for responses that go on.
        """
        name = object()
        if caller is not self.guest:
            self._streams[name] = caller, end
        return lambda: self._streams.pop(name, None)

    def session_of(self, caller: Caller) -> Session | None:
        """Return a caller's session, if it has one."""
        kept = self._sessions.get(caller.session) if caller.session is not None else None
        return None if kept is None else kept.session

    def is_confirmed(self, caller: Caller) -> bool:
        """Return whether a caller signed in a moment ago, as a manager; with a key there is no sign-in to wait for.

        On a device that is a manager's, the PIN of a waiter confirms nothing.
        """
        if caller.session is None:
            return True
        session = self.session_of(caller)
        if session is None or session.person_id != caller.person_id:
            return False
        if self.now_ms >= session.proved_at_ms + self.policy.confirm_seconds * 1000:
            return False
        entries = self.known.keys if session.person_id is None else self.known.people
        proved = entries.get(session.person_id or session.key_id or "")
        return proved is not None and proved.role is Role.MANAGER

    async def note(self, who: Caller, what: str, subject: str, origin: str) -> None:
        """Write a line of the audit log."""
        await self._database.write(changes.note, self.line(who, what, subject, origin))

    def line(self, who: Caller, what: str, subject: str, origin: str) -> AuditLine:
        """Return a line of the audit log, of this moment."""
        return AuditLine(self.now_ms, name_of(who), what, subject, origin)

    async def _load(self, session_hash: str) -> Session | None:
        """Read a session; once more where something was revoked meanwhile, which this session may have been."""
        while True:
            revision = self.known.revision
            found = await self._database.look_up(session_store.find_session, session_hash)
            if revision == self.known.revision:
                return found

    def _note_use(self, session: Session, caller: Caller, now_ms: int, *, acts: bool) -> None:
        session.used_at_ms = now_ms
        if acts and session.person_id == caller.person_id:  # a person who has left is not back by what others do
            session.acted_at_ms = now_ms
        self._used_sessions[session.session_hash] = session
        if caller.key_id is not None:
            self._used_keys[caller.key_id] = now_ms
        if caller.person_id is not None:
            self._used_people[caller.person_id] = now_ms

    def _end_streams(self) -> None:
        for name, (caller, end) in list(self._streams.items()):
            if not self._is_valid(caller):
                del self._streams[name]
                end()

    def _is_valid(self, caller: Caller) -> bool:
        """Return whether a caller that was known still is who it was."""
        if caller.session in self.known.ended:
            return False
        session = self.session_of(caller)
        if session is not None:
            present = self.callers.of_session(session, self.known, self.now_ms)
            return present is not None and present.grants == caller.grants
        key = None if caller.key_id is None else self.known.keys.get(caller.key_id)
        return (key is not None or caller.key_id is None) and (
            caller.person_id is None or caller.person_id in self.known.people
        )


def name_of(caller: Caller) -> str:
    """Return how the audit log names a caller."""
    return caller.name or (f"table {caller.table}" if caller.table else "guest")
