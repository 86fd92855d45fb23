"""`/access`: codes of tables and of devices, and the audit log, for managers."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.status_codes import HTTP_200_OK

from gateway.access.access import Access
from gateway.access.administration import Administration
from gateway.domain.access import Action
from gateway.rest.access_routes import NO_ENTRY, Id
from gateway.rest.access_schemas import AuditPage, CodeResponse, audit_page, code_response
from gateway.rest.addresses import own_address
from gateway.rest.operations import PROBLEM, cursor_position
from gateway.rest.requester import Requester
from gateway.rest.texts import refuse_nul

_TAG = ["access"]
_MANAGE = Action.ACCESS_MANAGE

_AnyRequest = Request[Any, Any, Any]


@post(
    "/access/keys/{key_id:str}/pairing-codes",
    operation_id="makePairingCode",
    summary="Pair a device",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 404: NO_ENTRY, 503: PROBLEM},
    action=_MANAGE,
)
async def make_pairing_code(
    request: _AnyRequest,
    key_id: Id,
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    public_url: NamedDependency[str],
) -> CodeResponse:
    """Make an address, and its QR code, that makes one browser the device of a key: it works once, for 15 minutes."""
    address = own_address(public_url, request.headers["host"], requester)
    return code_response(address, f"/pair/{await administration.make_pairing_code(requester.by, key_id)}")


@get(
    "/access/table-codes",
    operation_id="getTableCode",
    summary="Read a table's code",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def get_table_code(
    request: _AnyRequest,
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    public_url: NamedDependency[str],
    table: Annotated[str, QueryParameter(min_length=1, max_length=40, description="The table.")],
) -> CodeResponse:
    """Return the address that sits a guest at a table, with its QR code."""
    refuse_nul(table=table)
    address = own_address(public_url, request.headers["host"], requester)
    return code_response(address, f"/t/{await administration.table_code(table)}")


@delete(
    "/access/table-codes",
    operation_id="voidTableCodes",
    summary="Void all table codes",
    tags=_TAG,
    status_code=HTTP_200_OK,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def void_table_codes(
    requester: NamedDependency[Requester],
    administration: NamedDependency[Administration],
    access: NamedDependency[Access],
) -> AuditPage:
    """Void the codes of all tables, and end the sessions of guests at tables; return the audit log."""
    await administration.void_table_codes(requester.by)
    await access.refresh()
    return audit_page(await administration.audit_page(1))


@get(
    "/access/audit",
    operation_id="readAuditLog",
    summary="Read the audit log",
    tags=_TAG,
    responses={400: PROBLEM, 503: PROBLEM},
    action=_MANAGE,
)
async def get_audit(
    administration: NamedDependency[Administration],
    limit: Annotated[int, QueryParameter(ge=1, le=1000, description="Most lines in a page.")] = 100,
    cursor: Annotated[
        str | None,
        QueryParameter(description="`next` of the page before.", schema_extra={"pattern": "^[0-9]{1,18}$"}),
    ] = None,
) -> AuditPage:
    """Return a page of the audit log, the newest lines first: sign-ins, wrong PINs and codes, keys, people."""
    return audit_page(await administration.audit_page(limit, cursor_position(cursor)))


CODE_ROUTES = (make_pairing_code, get_table_code, void_table_codes, get_audit)
