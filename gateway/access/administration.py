"""Makes, lists and revokes keys, people and codes: for managers, and for the command line."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from gateway.access import changes, secrets, session_store, store
from gateway.access.policy import PAIRING_SECONDS
from gateway.access.records import AuditLine, AuditLines, Key, Person, SessionEntry
from gateway.domain.access import NAMEABLE, Action, Role
from gateway.domain.errors import FieldNotAllowed
from infra.db.database import Database

KEY_ROLES = (Role.STATION, Role.WAITER, Role.MANAGER, Role.SERVICE)
PERSON_ROLES = (Role.WAITER, Role.MANAGER)


@dataclass(frozen=True, slots=True)
class By:
    """Who administers, and from where."""

    who: str
    origin: str


class Administration:
    """Every change is a line of the audit log. Names and roles are checked here, for REST and for the command line."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        """`wall` returns seconds since 1970."""
        self._database = database
        self._wall = wall

    async def keys(self) -> list[Key]:
        """Return the keys that are not revoked, by their names."""
        return await self._database.read(store.living_keys)

    async def people(self) -> list[Person]:
        """Return the people who may sign in, by their names."""
        return await self._database.read(store.living_people)

    async def audit(self, limit: int) -> list[AuditLine]:
        """Return the last lines of the audit log, the newest first."""
        return (await self.audit_page(limit)).lines

    async def audit_page(self, limit: int, before: int | None = None) -> AuditLines:
        """Return the last lines of the audit log, or the last before a place, and the place of those before them."""
        return await self._database.read(changes.audit_lines, limit, before)

    async def sessions(self, limit: int, person_id: str | None = None) -> list[SessionEntry]:
        """Return the sessions that can be used, of everybody or of one person, the one used last first."""
        return await self._database.read(session_store.living_sessions, self._now_ms(), limit, person_id)

    async def end_session(self, by: By, session_id: str) -> None:
        """End a session of a list; raises NoSuchEntry."""
        await self._database.write(session_store.end_entry, session_id, self._line(by, "session ended", session_id))

    async def end_all_sessions(self, by: By, kept: str | None = None) -> None:
        """End all sessions, but for the one with this hash."""
        await self._database.write(session_store.end_all, kept, self._line(by, "all sessions ended", ""))

    async def make_key(
        self, by: By, name: str, role: Role, *, departments: Iterable[str] = (), rights: Iterable[Action] = ()
    ) -> tuple[str, str]:
        """Make a key; return its id, and its secret, which is kept nowhere. Raises FieldNotAllowed."""
        departments, rights = frozenset(departments), frozenset(rights)
        if role not in KEY_ROLES:
            raise FieldNotAllowed("role", role, f"expected one of {', '.join(KEY_ROLES)}")
        if bool(departments) is not (role is Role.STATION):
            rule = "expected at least one with station, and none with another role"
            raise FieldNotAllowed("departments", ", ".join(sorted(departments)), rule)
        if bool(rights) is not (role is Role.SERVICE) or rights - NAMEABLE:
            rule = f"expected some of {', '.join(sorted(NAMEABLE))} with service, and none with another role"
            raise FieldNotAllowed("rights", ", ".join(sorted(rights)), rule)
        secret = secrets.new_key()
        key_id = await self._database.write(
            store.make_key,
            name,
            role,
            secret=secret,
            departments=departments,
            rights=rights,
            who=by.who,
            origin=by.origin,
            now_ms=self._now_ms(),
        )
        return key_id, secret

    async def revoke_key(self, by: By, key_id: str) -> None:
        """Revoke a key, and end the sessions of its device; raises NoSuchEntry."""
        await self._database.write(store.revoke_key, key_id, who=by.who, origin=by.origin, now_ms=self._now_ms())

    async def make_pairing_code(self, by: By, key_id: str) -> str:
        """Make a code that makes one client the device of a key, for 15 minutes; raises NoSuchEntry."""
        code, now_ms = secrets.new_code(), self._now_ms()
        await self._database.write(
            store.make_pairing_code,
            key_id,
            code,
            now_ms + PAIRING_SECONDS * 1000,
            who=by.who,
            origin=by.origin,
            now_ms=now_ms,
        )
        return code

    async def add_person(self, by: By, name: str, role: Role, pin: str) -> str:
        """Add a person, and return their id; raises NameTaken, FieldNotAllowed."""
        if role not in PERSON_ROLES:
            raise FieldNotAllowed("role", role, f"expected one of {', '.join(PERSON_ROLES)}")
        pin_hash = await _hash(pin)
        return await self._database.write(
            store.make_person, name, role, pin_hash, who=by.who, origin=by.origin, now_ms=self._now_ms()
        )

    async def set_pin(self, by: By, person_id: str, pin: str) -> None:
        """Give a person another PIN, and end their sessions; raises NoSuchEntry, FieldNotAllowed."""
        pin_hash = await _hash(pin)
        await self._database.write(
            store.set_pin, person_id, pin_hash, who=by.who, origin=by.origin, now_ms=self._now_ms()
        )

    async def remove_person(self, by: By, person_id: str) -> None:
        """Remove a person, and end their sessions; raises NoSuchEntry."""
        await self._database.write(store.remove_person, person_id, who=by.who, origin=by.origin, now_ms=self._now_ms())

    async def table_code(self, table: str) -> str:
        """Return the present code of a table."""
        return (await self.table_codes([table]))[table]

    async def table_codes(self, tables: Iterable[str]) -> dict[str, str]:
        """Return the present codes of tables, by their names."""
        state = await self._database.read(store.snapshot, 0)
        return {table: secrets.table_code(state.table_secret, table) for table in tables}

    async def void_table_codes(self, by: By) -> None:
        """Void all table codes, and end the sessions of guests at tables."""
        await self._database.write(store.rotate_table_codes, who=by.who, origin=by.origin, now_ms=self._now_ms())

    def _now_ms(self) -> int:
        return int(self._wall() * 1000)

    def _line(self, by: By, what: str, subject: str) -> AuditLine:
        return AuditLine(self._now_ms(), by.who, what, subject, by.origin)


async def _hash(pin: str) -> str:
    if not secrets.is_pin(pin):
        raise FieldNotAllowed("pin", "…", "expected 4 to 8 digits")
    return await asyncio.to_thread(secrets.hash_pin, pin)
