"""Access for apps in memory."""

from gateway.access.access import Access
from gateway.access.administration import Administration
from gateway.access.guest_limits import GuestLimit, GuestLimits
from gateway.access.policy import AccessPolicy
from gateway.access.signing_in import SigningIn
from gateway.orders.service import OrderService
from gateway.rest.access_check import AccessCheck
from gateway.rest.access_parts import AccessParts
from infra.clock import Clock
from infra.db.database import Database
from infra.http.proxies import Proxies
from tests.support.keys import KEY


def access_parts(
    database: Database,
    service: OrderService,
    clock: Clock,
    policy: AccessPolicy | None = None,
    limit: GuestLimit | None = None,
    proxies: tuple[str, ...] = (),
    public_url: str = "",
) -> AccessParts:
    """Build what the REST layer needs of access; by default guests are open, and nothing limits them."""
    access = Access(database, policy or AccessPolicy(first_key=KEY), clock)
    of_table = limit or GuestLimit(6, 20)
    of_address = GuestLimit(of_table.per_minute * 10, of_table.open_orders * 10)
    limits = GuestLimits(of_table, of_address, service.find_all, clock.monotonic)
    check = AccessCheck(access, Proxies(proxies), limits)
    return AccessParts(check, SigningIn(access, database, clock), Administration(database, clock.wall), public_url)
