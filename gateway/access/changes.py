"""What every change of access does in its transaction: count the revision up, and write a line of the audit log."""

import sqlalchemy as sa

from gateway.access.records import AuditLine, AuditLines
from gateway.access.tables import audit, state
from infra.db.database import tenant

AUDIT_LINES = 100_000
"""How many lines of the audit log are kept."""

_SUBJECT, _WHO = 100, 64


def own(connection: sa.Connection, table: sa.Table) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is the restaurant's."""
    return table.c.restaurant == tenant(connection)


def count_revision(connection: sa.Connection) -> int:
    """Count the revision up, so that every gateway reads keys and people again; return it."""
    counted = sa.update(state).where(own(connection, state)).values(revision=state.c.revision + 1)
    number: int = connection.execute(counted.returning(state.c.revision)).scalar_one()
    return number


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


def audit_lines(connection: sa.Connection, limit: int, before: int | None = None) -> AuditLines:
    """Return the last lines of the audit log, or the last before a place, the newest first."""
    query = sa.select(audit).where(own(connection, audit)).order_by(audit.c.seq.desc()).limit(limit + 1)
    if before is not None:
        query = query.where(audit.c.seq < before)
    rows = connection.execute(query).all()
    lines = [AuditLine(row.at_ms, row.who, row.what, row.subject, row.origin) for row in rows[:limit]]
    return AuditLines(lines, rows[limit - 1].seq if len(rows) > limit else None)


def shorten_audit(connection: sa.Connection) -> None:
    """Delete all but the last AUDIT_LINES lines of the audit log."""
    last = sa.select(audit.c.seq).where(own(connection, audit)).order_by(audit.c.seq.desc())
    oldest = connection.execute(last.offset(AUDIT_LINES - 1).limit(1)).scalar()
    if oldest is not None:
        connection.execute(sa.delete(audit).where(own(connection, audit), audit.c.seq < oldest))
