"""The transaction scripts of sessions."""

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from gateway.access.changes import count_revision, note, own
from gateway.access.policy import FORGET_GUESTS_MS, FORGET_MS, LONGEST_IDLE_MS, ends_at_ms
from gateway.access.records import ENTRY_ID, AuditLine, Session, SessionEntry
from gateway.access.tables import keys, people, sessions
from gateway.domain.access import Role
from gateway.domain.access_errors import NoSuchEntry
from infra.db.database import tenant


def open_session(connection: sa.Connection, session: Session, replaced: str | None, line: AuditLine | None) -> None:
    """Write a new session, and end the one that it replaces."""
    values = {
        "session_hash": session.session_hash,
        "key_id": session.key_id,
        "person_id": session.person_id,
        "placed_for": session.table,
        "made_at_ms": session.made_at_ms,
        "used_at_ms": session.used_at_ms,
        "acted_at_ms": session.acted_at_ms,
        "proved_at_ms": session.proved_at_ms,
    }
    connection.execute(sa.insert(sessions).values(restaurant=tenant(connection), **values))
    if replaced is not None:
        end_sessions(connection, sessions.c.session_hash == replaced)
    if line is not None:
        note(connection, line)


def find_session(connection: sa.Connection, session_hash: str) -> Session | None:
    """Read a session that has not been ended."""
    query = sa.select(sessions).where(
        own(connection, sessions), sessions.c.session_hash == session_hash, sessions.c.ended_revision.is_(None)
    )
    row = connection.execute(query).first()
    return None if row is None else _session(row)


def living_sessions(
    connection: sa.Connection, now_ms: int, limit: int, person_id: str | None = None
) -> list[SessionEntry]:
    """Return the sessions that can still be used, of everybody or of one person, the one used last first."""
    query = (
        sa.select(sessions, keys.c.name.label("device"), keys.c.role.label("role"), people.c.name.label("person"))
        .outerjoin(keys, sa.and_(keys.c.restaurant == sessions.c.restaurant, keys.c.key_id == sessions.c.key_id))
        .outerjoin(
            people, sa.and_(people.c.restaurant == sessions.c.restaurant, people.c.person_id == sessions.c.person_id)
        )
        .where(own(connection, sessions), sessions.c.ended_revision.is_(None))
        .where(sessions.c.used_at_ms > now_ms - LONGEST_IDLE_MS)
        .order_by(sessions.c.used_at_ms.desc(), sessions.c.session_hash)
    )
    if person_id is not None:
        query = query.where(sessions.c.person_id == person_id)
    found = []
    for row in connection.execute(query):
        session = _session(row)
        if now_ms < ends_at_ms(session, None if row.role is None else Role(row.role)):
            found.append(SessionEntry(session, row.device, row.person))
            if len(found) == limit:
                break
    return found


def end_session(connection: sa.Connection, session_hash: str, line: AuditLine) -> None:
    """End one session."""
    end_sessions(connection, sessions.c.session_hash == session_hash)
    note(connection, line)


def end_entry(connection: sa.Connection, session_id: str, line: AuditLine) -> None:
    """End the session that a list named by the beginning of its hash; raises NoSuchEntry."""
    named = sa.func.substr(sessions.c.session_hash, 1, ENTRY_ID) == session_id
    if not end_sessions(connection, named):
        raise NoSuchEntry(f"session {session_id}")
    note(connection, line)


def end_all(connection: sa.Connection, kept: str | None, line: AuditLine) -> None:
    """End all sessions but one."""
    end_sessions(connection, sa.true() if kept is None else sessions.c.session_hash != kept)
    note(connection, line)


def end_sessions_like(connection: sa.Connection, session: Session, line: AuditLine) -> None:
    """End all sessions of a session's person or, where it has none, of its device."""
    if session.person_id is not None:
        condition = sessions.c.person_id == session.person_id
    elif session.key_id is not None:
        condition = sessions.c.key_id == session.key_id
    else:
        condition = sessions.c.session_hash == session.session_hash
    end_sessions(connection, condition)
    note(connection, line)


def note_use(
    connection: sa.Connection,
    used: Iterable[Session],
    key_times: Mapping[str, int],
    person_times: Mapping[str, int],
    now_ms: int,
) -> None:
    """Write when sessions, keys and people were last used, and forget sessions that nobody has used for long."""
    for session in used:
        times = {"used_at_ms": session.used_at_ms, "acted_at_ms": session.acted_at_ms}
        where = own(connection, sessions), sessions.c.session_hash == session.session_hash
        connection.execute(
            sa.update(sessions).where(*where, sessions.c.used_at_ms <= session.used_at_ms).values(**times)
        )
    for table, column, found in ((keys, keys.c.key_id, key_times), (people, people.c.person_id, person_times)):
        for each, at_ms in found.items():
            connection.execute(sa.update(table).where(own(connection, table), column == each).values(used_at_ms=at_ms))
    is_old = sa.or_(
        sessions.c.used_at_ms < now_ms - FORGET_MS,
        sa.and_(sessions.c.placed_for.is_not(None), sessions.c.used_at_ms < now_ms - FORGET_GUESTS_MS),
    )
    connection.execute(sa.delete(sessions).where(own(connection, sessions), is_old))


def end_sessions(connection: sa.Connection, condition: "sa.ColumnElement[bool]") -> int:
    """End the sessions of which a condition is true, and return how many; every gateway forgets them.

    That is by a new revision.
    """
    number = count_revision(connection)
    ended = sa.update(sessions).where(own(connection, sessions), sessions.c.ended_revision.is_(None), condition)
    return connection.execute(ended.values(ended_revision=number)).rowcount


def _session(row: Any) -> Session:
    return Session(
        row.session_hash,
        row.key_id,
        row.person_id,
        row.placed_for,
        row.made_at_ms,
        row.used_at_ms,
        row.acted_at_ms,
        row.proved_at_ms,
    )
