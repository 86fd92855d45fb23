"""What stands in the tables of access: keys, people, sessions, lines of the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.domain.access import Action, Role

ENTRY_ID = 16
"""How many characters of its hash name a session."""


@dataclass(frozen=True, slots=True)
class Key:
    """A device's or a program's key, without its secret. Times are milliseconds since 1970."""

    key_id: str
    name: str
    role: Role
    departments: frozenset[str]
    rights: frozenset[Action]
    made_at_ms: int
    used_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Person:
    """Who signs in with a PIN."""

    person_id: str
    name: str
    role: Role
    pin_hash: str
    made_at_ms: int
    used_at_ms: int | None


@dataclass(slots=True)
class Session:
    """A browser's session: a device, a person on it or alone, or a guest at a table."""

    session_hash: str
    key_id: str | None
    person_id: str | None
    table: str | None
    made_at_ms: int
    used_at_ms: int
    acted_at_ms: int
    proved_at_ms: int
    """When a PIN or a pairing code opened it; 0 for one that followed on another."""


@dataclass(frozen=True, slots=True)
class SessionEntry:
    """A session in a list: whose it is, and since when."""

    session: Session
    device: str | None
    """The name of its key."""
    person: str | None
    """Who signed in, and may have left the device idle since."""

    @property
    def session_id(self) -> str:
        """The name of the row, which is no secret."""
        return self.session.session_hash[:ENTRY_ID]


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what, to what, when and from where."""

    at_ms: int
    who: str
    what: str
    subject: str
    origin: str


@dataclass(frozen=True, slots=True)
class AuditLines:
    """Lines of the audit log, the newest first; `next` is the place after them, None after the oldest."""

    lines: list[AuditLine]
    next: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All keys and people that are not revoked, at one revision."""

    revision: int
    table_secret: str
    keys: Mapping[str, Key]
    key_ids: Mapping[str, str]
    """The ids of the keys by the hashes of their secrets."""
    people: Mapping[str, Person]
    ended: Sequence[str] = ()
    """The hashes of the sessions that were ended since the revision before."""
