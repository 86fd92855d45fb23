"""The REST contract of access: who the caller is, keys, people, codes, the audit log."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.access import qr
from gateway.access.records import AuditLines, Key, Person, SessionEntry
from gateway.domain.access import Action, Caller, Condition, Role, condition_of
from gateway.rest.times import Moment, rfc3339

Name = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Pin = Annotated[str, Meta(pattern=r"^[0-9]{4,8}$", description="4 to 8 digits.")]
Department = Annotated[str, Meta(min_length=1, max_length=40)]


class MeResponse(msgspec.Struct, kw_only=True):
    """Who the caller is, and what the caller may do."""

    name: Annotated[str, Meta(description="Of the person, device or program; null for guests.")] | None
    person: Annotated[str, Meta(description="Who signed in with a PIN.")] | None
    roles: list[Role]
    departments: Annotated[list[str], Meta(description="Of a station.")]
    table: Annotated[str, Meta(description="The only table that the caller may order for.")] | None
    rights: Annotated[
        dict[str, list[Condition]], Meta(description="The actions that the caller may take, and when: one suffices.")
    ]


class SignInRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A person's name and PIN."""

    name: Name
    pin: Annotated[str, Meta(min_length=1, max_length=64)]


class NewKeyRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A key for a device or a program: of a station with its departments, of a service with its rights."""

    name: Name
    role: Role
    departments: Annotated[list[Department], Meta(max_length=50)] = []
    rights: Annotated[list[Action], Meta(max_length=50)] = []


class NewPersonRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A person who signs in with a PIN: a waiter or a manager."""

    name: Name
    role: Role
    pin: Pin


class NewPinRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Another PIN."""

    pin: Pin


class KeyResponse(msgspec.Struct, kw_only=True):
    """A key, without its secret."""

    id: str
    name: str
    role: Role
    departments: list[str]
    rights: list[Action]
    made_at: Moment
    used_at: Moment | None


class NewKeyResponse(msgspec.Struct, kw_only=True):
    """A key that was just made. The secret is shown this once."""

    key: KeyResponse
    secret: Annotated[str, Meta(description="Programs send it: `Authorization: Bearer …`.")]


class KeyList(msgspec.Struct, kw_only=True):
    """The keys that are not revoked, by their names."""

    keys: list[KeyResponse]


class PersonResponse(msgspec.Struct, kw_only=True):
    """A person who may sign in."""

    id: str
    name: str
    role: Role
    made_at: Moment
    used_at: Moment | None


class PersonList(msgspec.Struct, kw_only=True):
    """The people who may sign in, by their names."""

    people: list[PersonResponse]


class SessionResponse(msgspec.Struct, kw_only=True):
    """A session that can be used."""

    id: str
    person: Annotated[str, Meta(description="Who signed in with a PIN.")] | None
    device: Annotated[str, Meta(description="The key of the paired device.")] | None
    table: Annotated[str, Meta(description="Of a guest.")] | None
    since: Moment
    used_at: Annotated[Moment, Meta(description="Other gateways tell their last use within half a minute.")]
    is_own: Annotated[bool, Meta(description="Whether it is the session of this request.")]


class SessionList(msgspec.Struct, kw_only=True):
    """The sessions that can be used, the one used last first."""

    sessions: list[SessionResponse]


class CodeResponse(msgspec.Struct, kw_only=True):
    """An address to open on a device, with its QR code."""

    path: Annotated[str, Meta(description="Path of the address, at this gateway.")]
    address: Annotated[str, Meta(description="The whole address: at `COMANDA_PUBLIC_URL`, else as the request came.")]
    svg: Annotated[str, Meta(description="The QR code of the address, an SVG document without a size.")]


class AuditLineResponse(msgspec.Struct, kw_only=True):
    """Who did what, to what, when and from where."""

    at: Moment
    who: str
    what: str
    subject: str
    origin: str


class AuditPage(msgspec.Struct, kw_only=True):
    """A page of the audit log, the newest lines first."""

    lines: list[AuditLineResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


def me_response(caller: Caller) -> MeResponse:
    """Return who a caller is as the body of a response."""
    rights: dict[str, list[Condition]] = {}
    for action in sorted(caller.allowed):
        conditions = {condition_of(grant, action) for grant in caller.grants} - {Condition.NEVER}
        rights[action] = sorted(conditions)
    return MeResponse(
        name=caller.name,
        person=caller.person,
        roles=[grant.role for grant in caller.grants],
        departments=sorted({name for grant in caller.grants for name in grant.departments}),
        table=caller.table,
        rights=rights,
    )


def key_response(key: Key) -> KeyResponse:
    """Return a key as the body of a response."""
    return KeyResponse(
        id=key.key_id,
        name=key.name,
        role=key.role,
        departments=sorted(key.departments),
        rights=sorted(key.rights),
        made_at=rfc3339(key.made_at_ms),
        used_at=None if key.used_at_ms is None else rfc3339(key.used_at_ms),
    )


def person_response(person: Person) -> PersonResponse:
    """Return a person as the body of a response."""
    return PersonResponse(
        id=person.person_id,
        name=person.name,
        role=person.role,
        made_at=rfc3339(person.made_at_ms),
        used_at=None if person.used_at_ms is None else rfc3339(person.used_at_ms),
    )


def session_list(entries: list[SessionEntry], own: str | None) -> SessionList:
    """Return sessions as the body of a response; `own` is the hash of the caller's."""
    return SessionList(
        sessions=[
            SessionResponse(
                id=entry.session_id,
                person=entry.person,
                device=entry.device,
                table=entry.session.table,
                since=rfc3339(entry.session.made_at_ms),
                used_at=rfc3339(entry.session.used_at_ms),
                is_own=entry.session.session_hash == own,
            )
            for entry in entries
        ]
    )


def code_response(address: str, path: str) -> CodeResponse:
    """Return a code at the gateway's address as the body of a response."""
    return CodeResponse(path=path, address=f"{address}{path}", svg=qr.svg(f"{address}{path}"))


def audit_page(found: AuditLines) -> AuditPage:
    """Return lines of the audit log as the body of a response."""
    return AuditPage(
        lines=[
            AuditLineResponse(
                at=rfc3339(line.at_ms), who=line.who, what=line.what, subject=line.subject, origin=line.origin
            )
            for line in found.lines
        ],
        next=None if found.next is None else str(found.next),
    )
