"""The transaction scripts of access. One that takes a right away counts the revision up, which every gateway polls."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from gateway.access import secrets
from gateway.access.records import AuditLine, Key, Person, Session, Snapshot
from gateway.access.tables import audit, keys, pairing_codes, people, sessions, state
from gateway.domain.access import Action, Role
from gateway.domain.access_errors import NameTaken, NoSuchEntry
from infra.db.database import tenant

AUDIT_LINES = 100_000
"""How many lines of the audit log are kept."""

_SUBJECT, _WHO = 100, 64


def own(connection: sa.Connection, table: sa.Table) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is the restaurant's."""
    return table.c.restaurant == tenant(connection)


def revision(connection: sa.Connection) -> int:
    """Return the present revision; 0 before the first start."""
    found = connection.execute(sa.select(state.c.revision).where(own(connection, state))).scalar()
    return int(found or 0)


def snapshot(connection: sa.Connection, after: int) -> Snapshot:
    """Read all keys and people, and which sessions were ended after a revision."""
    number, secret = connection.execute(
        sa.select(state.c.revision, state.c.table_secret).where(own(connection, state))
    ).one()
    rows = connection.execute(sa.select(keys).where(own(connection, keys), keys.c.revoked_at_ms.is_(None))).all()
    found = {row.key_id: _key(row) for row in rows}
    ended = sa.select(sessions.c.session_hash).where(own(connection, sessions), sessions.c.ended_revision > after)
    return Snapshot(
        number,
        secret,
        found,
        {row.secret_hash: row.key_id for row in rows},
        {person.person_id: person for person in living_people(connection)},
        tuple(connection.execute(ended).scalars()),
    )


def living_people(connection: sa.Connection) -> list[Person]:
    """Return the people who may sign in, by their names."""
    query = sa.select(people).where(own(connection, people), people.c.removed_at_ms.is_(None)).order_by(people.c.name)
    return [
        Person(row.person_id, row.name, Role(row.role), row.pin_hash, row.made_at_ms, row.used_at_ms)
        for row in connection.execute(query)
    ]


def living_keys(connection: sa.Connection) -> list[Key]:
    """Return the keys that are not revoked, by their names."""
    query = sa.select(keys).where(own(connection, keys), keys.c.revoked_at_ms.is_(None)).order_by(keys.c.name)
    return [_key(row) for row in connection.execute(query)]


def begin_state(connection: sa.Connection) -> None:
    """Make the state where there is none."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    first = insert(state).values(restaurant=tenant(connection), revision=0, table_secret=secrets.new_table_secret())
    connection.execute(first.on_conflict_do_nothing())


def begin(connection: sa.Connection, first_key: str, now_ms: int) -> str | None:
    """Make the state where there is none, and a manager's key where there never was a key; return that key's id.

    The key's secret is `first_key`, or one that nobody knows: then a pairing code opens it.
    """
    begin_state(connection)
    connection.execute(sa.update(state).where(own(connection, state)).values(revision=state.c.revision))  # locks
    if connection.execute(sa.select(keys.c.key_id).where(own(connection, keys)).limit(1)).first():
        return None
    secret = first_key or secrets.new_key()
    return make_key(
        connection, "manager", Role.MANAGER, secret=secret, who="first start", origin="start", now_ms=now_ms
    )


def make_key(
    connection: sa.Connection,
    name: str,
    role: Role,
    *,
    secret: str,
    departments: Iterable[str] = (),
    rights: Iterable[Action] = (),
    who: str,
    origin: str,
    now_ms: int,
) -> str:
    """Make a key, and return its id."""
    key_id = secrets.new_id()
    values = {
        "key_id": key_id,
        "name": name,
        "role": str(role),
        "departments": json.dumps(sorted(departments)),
        "rights": json.dumps(sorted(map(str, rights))),
        "secret_hash": secrets.fast_hash(secret),
        "made_at_ms": now_ms,
    }
    connection.execute(sa.insert(keys).values(restaurant=tenant(connection), **values))
    count_revision(connection)
    note(connection, AuditLine(now_ms, who, "key made", f"{name} ({role}, {key_id})", origin))
    return key_id


def revoke_key(connection: sa.Connection, key_id: str, *, who: str, origin: str, now_ms: int) -> None:
    """Revoke a key, with the sessions of the device that has it; raises NoSuchEntry."""
    revoked = (
        sa.update(keys)
        .where(own(connection, keys), keys.c.key_id == key_id, keys.c.revoked_at_ms.is_(None))
        .values(revoked_at_ms=now_ms)
    )
    if not connection.execute(revoked).rowcount:
        raise NoSuchEntry(f"key {key_id}")
    _end_sessions(connection, sessions.c.key_id == key_id)
    note(connection, AuditLine(now_ms, who, "key revoked", key_id, origin))


def make_person(
    connection: sa.Connection, name: str, role: Role, pin_hash: str, *, who: str, origin: str, now_ms: int
) -> str:
    """Add a person, and return their id; raises NameTaken."""
    person_id = secrets.new_id()
    values = {
        "person_id": person_id,
        "name": name,
        "role": str(role),
        "pin_hash": pin_hash,
        "made_at_ms": now_ms,
    }
    count_revision(connection)  # first, as it locks: two people of one name are added one after another
    if any(person.name == name for person in living_people(connection)):
        raise NameTaken(name)
    connection.execute(sa.insert(people).values(restaurant=tenant(connection), **values))
    note(connection, AuditLine(now_ms, who, "person added", f"{name} ({role}, {person_id})", origin))
    return person_id


def set_pin(connection: sa.Connection, person_id: str, pin_hash: str, *, who: str, origin: str, now_ms: int) -> None:
    """Give a person another PIN, and end their sessions; raises NoSuchEntry."""
    _change_person(connection, person_id, {"pin_hash": pin_hash})
    note(connection, AuditLine(now_ms, who, "PIN changed", person_id, origin))


def remove_person(connection: sa.Connection, person_id: str, *, who: str, origin: str, now_ms: int) -> None:
    """Remove a person, and end their sessions; raises NoSuchEntry."""
    _change_person(connection, person_id, {"removed_at_ms": now_ms})
    note(connection, AuditLine(now_ms, who, "person removed", person_id, origin))


def rotate_table_codes(connection: sa.Connection, *, who: str, origin: str, now_ms: int) -> None:
    """Void all table codes, and end the sessions of guests at tables."""
    changed = sa.update(state).where(own(connection, state)).values(table_secret=secrets.new_table_secret())
    connection.execute(changed)
    _end_sessions(connection, sessions.c.placed_for.is_not(None))
    note(connection, AuditLine(now_ms, who, "table codes voided", "", origin))


def make_pairing_code(
    connection: sa.Connection, key_id: str, code: str, ends_at_ms: int, *, who: str, origin: str, now_ms: int
) -> None:
    """Write a code that opens a key's device once; raises NoSuchEntry."""
    living = sa.select(keys.c.name).where(
        own(connection, keys), keys.c.key_id == key_id, keys.c.revoked_at_ms.is_(None)
    )
    if connection.execute(living).first() is None:
        raise NoSuchEntry(f"key {key_id}")
    values = {"code_hash": secrets.fast_hash(code), "key_id": key_id, "ends_at_ms": ends_at_ms}
    connection.execute(
        sa.delete(pairing_codes).where(own(connection, pairing_codes), pairing_codes.c.ends_at_ms < now_ms)
    )
    connection.execute(sa.insert(pairing_codes).values(restaurant=tenant(connection), **values))
    note(connection, AuditLine(now_ms, who, "pairing code made", key_id, origin))


def is_pairing_code(connection: sa.Connection, code: str) -> bool:
    """Return whether there is such a code, used or not."""
    query = sa.select(pairing_codes.c.key_id).where(
        own(connection, pairing_codes), pairing_codes.c.code_hash == secrets.fast_hash(code)
    )
    return connection.execute(query).first() is not None


def use_pairing_code(connection: sa.Connection, code: str, now_ms: int) -> str | None:
    """Use a code up, and return its key's id; None for one that is wrong, used or out of date, or of a revoked key."""
    living = sa.select(keys.c.key_id).where(own(connection, keys), keys.c.revoked_at_ms.is_(None))
    used = (
        sa.update(pairing_codes)
        .where(
            own(connection, pairing_codes),
            pairing_codes.c.code_hash == secrets.fast_hash(code),
            pairing_codes.c.used_at_ms.is_(None),
            pairing_codes.c.ends_at_ms > now_ms,
            pairing_codes.c.key_id.in_(living),
        )
        .values(used_at_ms=now_ms)
        .returning(pairing_codes.c.key_id)
    )
    key_id: str | None = connection.execute(used).scalar()
    return key_id


def open_session(connection: sa.Connection, session: Session, replaced: str | None, line: AuditLine) -> None:
    """Write a new session, and end the one that it replaces."""
    values = {
        "session_hash": session.session_hash,
        "key_id": session.key_id,
        "person_id": session.person_id,
        "placed_for": session.table,
        "made_at_ms": session.made_at_ms,
        "used_at_ms": session.used_at_ms,
        "acted_at_ms": session.acted_at_ms,
    }
    connection.execute(sa.insert(sessions).values(restaurant=tenant(connection), **values))
    if replaced is not None:
        _end_sessions(connection, sessions.c.session_hash == replaced)
    note(connection, line)


def find_session(connection: sa.Connection, session_hash: str) -> Session | None:
    """Read a session that has not been ended."""
    query = sa.select(sessions).where(
        own(connection, sessions), sessions.c.session_hash == session_hash, sessions.c.ended_revision.is_(None)
    )
    row = connection.execute(query).first()
    if row is None:
        return None
    return Session(
        row.session_hash, row.key_id, row.person_id, row.placed_for, row.made_at_ms, row.used_at_ms, row.acted_at_ms
    )


def end_session(connection: sa.Connection, session_hash: str, line: AuditLine) -> None:
    """End one session."""
    _end_sessions(connection, sessions.c.session_hash == session_hash)
    note(connection, line)


def end_sessions_like(connection: sa.Connection, session: Session, line: AuditLine) -> None:
    """End all sessions of a session's person or, where it has none, of its device."""
    if session.person_id is not None:
        condition = sessions.c.person_id == session.person_id
    elif session.key_id is not None:
        condition = sessions.c.key_id == session.key_id
    else:
        condition = sessions.c.session_hash == session.session_hash
    _end_sessions(connection, condition)
    note(connection, line)


def note_use(
    connection: sa.Connection,
    used: Iterable[Session],
    key_times: Mapping[str, int],
    person_times: Mapping[str, int],
    forget_before_ms: int,
) -> None:
    """Write when sessions, keys and people were last used, and forget sessions that nobody has used since a time."""
    for session in used:
        times = {"used_at_ms": session.used_at_ms, "acted_at_ms": session.acted_at_ms}
        where = own(connection, sessions), sessions.c.session_hash == session.session_hash
        connection.execute(
            sa.update(sessions).where(*where, sessions.c.used_at_ms <= session.used_at_ms).values(**times)
        )
    for table, column, found in ((keys, keys.c.key_id, key_times), (people, people.c.person_id, person_times)):
        for each, at_ms in found.items():
            connection.execute(sa.update(table).where(own(connection, table), column == each).values(used_at_ms=at_ms))
    connection.execute(sa.delete(sessions).where(own(connection, sessions), sessions.c.used_at_ms < forget_before_ms))


def note(connection: sa.Connection, line: AuditLine) -> None:
    """Write a line of the audit log."""
    values = {
        "at_ms": line.at_ms,
        "who": line.who[:_WHO],
        "what": line.what,
        "subject": line.subject[:_SUBJECT],
        "origin": line.origin[:_WHO],
    }
    connection.execute(sa.insert(audit).values(restaurant=tenant(connection), **values))


def audit_lines(connection: sa.Connection, limit: int) -> list[AuditLine]:
    """Return the last lines of the audit log, the newest first."""
    query = sa.select(audit).where(own(connection, audit)).order_by(audit.c.seq.desc()).limit(limit)
    return [AuditLine(row.at_ms, row.who, row.what, row.subject, row.origin) for row in connection.execute(query)]


def shorten_audit(connection: sa.Connection) -> None:
    """Delete all but the last AUDIT_LINES lines of the audit log."""
    last = sa.select(audit.c.seq).where(own(connection, audit)).order_by(audit.c.seq.desc())
    oldest = connection.execute(last.offset(AUDIT_LINES - 1).limit(1)).scalar()
    if oldest is not None:
        connection.execute(sa.delete(audit).where(own(connection, audit), audit.c.seq < oldest))


def count_revision(connection: sa.Connection) -> int:
    """Count the revision up, so that every gateway reads keys and people again; return it."""
    counted = sa.update(state).where(own(connection, state)).values(revision=state.c.revision + 1)
    number: int = connection.execute(counted.returning(state.c.revision)).scalar_one()
    return number


def _change_person(connection: sa.Connection, person_id: str, values: Mapping[str, Any]) -> None:
    changed = (
        sa.update(people)
        .where(own(connection, people), people.c.person_id == person_id, people.c.removed_at_ms.is_(None))
        .values(**values)
    )
    if not connection.execute(changed).rowcount:
        raise NoSuchEntry(f"person {person_id}")
    _end_sessions(connection, sessions.c.person_id == person_id)


def _end_sessions(connection: sa.Connection, condition: "sa.ColumnElement[bool]") -> None:
    number = count_revision(connection)
    ended = sa.update(sessions).where(own(connection, sessions), sessions.c.ended_revision.is_(None), condition)
    connection.execute(ended.values(ended_revision=number))


def _key(row: Any) -> Key:
    return Key(
        row.key_id,
        row.name,
        Role(row.role),
        frozenset(json.loads(row.departments)),
        frozenset(right for right in map(_action, json.loads(row.rights)) if right is not None),
        row.made_at_ms,
        row.used_at_ms,
    )


def _action(name: str) -> Action | None:
    """Return the action of this name; None for one that another version has."""
    return Action(name) if name in set(Action) else None
