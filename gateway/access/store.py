"""The transaction scripts of access. One that takes a right away counts the revision up, which every gateway polls."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from gateway.access import secrets
from gateway.access.changes import count_revision, note, own
from gateway.access.records import AuditLine, Key, Person, Snapshot
from gateway.access.session_store import end_sessions
from gateway.access.tables import keys, pairing_codes, people, sessions, state
from gateway.domain.access import Action, Role
from gateway.domain.access_errors import NameTaken, NoSuchEntry
from infra.db.database import insert_into, tenant


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
    first = insert_into(connection.dialect, state).values(
        restaurant=tenant(connection), revision=0, table_secret=secrets.new_table_secret()
    )
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
    end_sessions(connection, sessions.c.key_id == key_id)
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
    end_sessions(connection, sessions.c.placed_for.is_not(None))
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


def _change_person(connection: sa.Connection, person_id: str, values: Mapping[str, Any]) -> None:
    changed = (
        sa.update(people)
        .where(own(connection, people), people.c.person_id == person_id, people.c.removed_at_ms.is_(None))
        .values(**values)
    )
    if not connection.execute(changed).rowcount:
        raise NoSuchEntry(f"person {person_id}")
    end_sessions(connection, sessions.c.person_id == person_id)


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
