"""Keys, people and sessions in a database of each kind."""

from collections.abc import AsyncIterator

import pytest

from gateway.access import session_store
from gateway.access.access import Access
from gateway.access.administration import Administration, By
from gateway.access.policy import AccessPolicy
from gateway.access.secrets import fast_hash
from gateway.access.signing_in import SigningIn
from gateway.domain.access import Action, Caller, Guests, Role
from gateway.domain.access_errors import NameTaken, NoSuchEntry, SignInNeeded, WrongSecret
from gateway.storage import MIGRATIONS
from infra.db.database import Database
from tests.support.keys import KEY
from tests.support.migrated import prepare
from tests.support.order_path import Hands

SHELL = By("test", "shell")
POLICY = AccessPolicy(Guests.TABLES, first_key=KEY)


class Gateway:
    """Access at one gateway of a restaurant."""

    def __init__(self, database: Database, clock: Hands, policy: AccessPolicy = POLICY) -> None:
        self.access = Access(database, policy, clock.pair)
        self.signing_in = SigningIn(self.access, database, clock.pair)
        self.administration = Administration(database, clock.pair.wall)

    async def who(self, session_id: str) -> Caller | None:
        return await self.access.of_session(session_id.encode(), acts=False)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, schema="gateway")
    prepare(database, MIGRATIONS)
    yield database
    database.close()


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def gateway(database: Database, clock: Hands) -> Gateway:
    gateway = Gateway(database, clock)
    assert await gateway.access.start() is None
    return gateway


async def test_only_the_first_start_makes_a_key_and_a_code_for_it(database: Database, clock: Hands) -> None:
    policy = AccessPolicy(Guests.OPEN)
    first, second = Gateway(database, clock, policy), Gateway(database, clock, policy)
    code = await first.access.start()
    assert code is not None
    assert await second.access.start() is None
    opened = await second.signing_in.by_pairing_code(second.access.guest, code, "here")
    assert Action.ACCESS_MANAGE in opened.caller.allowed


async def test_a_key_is_known_by_its_hash_alone(gateway: Gateway, database: Database) -> None:
    key_id, secret = await gateway.administration.make_key(SHELL, "bar", Role.STATION, departments=["bar"])
    await gateway.access.refresh()
    assert gateway.access.of_key(secret.encode()).name == "bar"
    assert gateway.access.known.key_ids[fast_hash(secret)] == key_id
    await gateway.administration.revoke_key(SHELL, key_id)
    await gateway.access.refresh()
    with pytest.raises(SignInNeeded):
        gateway.access.of_key(secret.encode())
    with pytest.raises(NoSuchEntry):
        await gateway.administration.revoke_key(SHELL, key_id)


async def test_a_session_is_known_at_another_gateway_and_ends_there(
    gateway: Gateway, database: Database, clock: Hands
) -> None:
    other = Gateway(database, clock)
    await other.access.start()
    person_id = await gateway.administration.add_person(SHELL, "Ada", Role.WAITER, "271828")
    await gateway.access.refresh()
    await other.access.refresh()
    opened = await gateway.signing_in.by_pin(gateway.access.guest, "Ada", "271828", "here")
    known = await other.who(opened.session_id)
    assert known is not None
    assert (known.name, known.person_id) == ("Ada", person_id)
    await gateway.signing_in.out(opened.caller, "here", everywhere=True)
    assert await gateway.who(opened.session_id) is None
    await other.access.refresh()
    assert await other.who(opened.session_id) is None


async def test_two_people_have_two_names(gateway: Gateway) -> None:
    first = await gateway.administration.add_person(SHELL, "Ada", Role.WAITER, "271828")
    with pytest.raises(NameTaken):
        await gateway.administration.add_person(SHELL, "Ada", Role.MANAGER, "314159")
    await gateway.administration.remove_person(SHELL, first)
    assert await gateway.administration.add_person(SHELL, "Ada", Role.MANAGER, "314159") != first


async def test_a_code_is_used_once(gateway: Gateway) -> None:
    key_id, _ = await gateway.administration.make_key(SHELL, "till", Role.WAITER)
    code = await gateway.administration.make_pairing_code(SHELL, key_id)
    opened = await gateway.signing_in.by_pairing_code(gateway.access.guest, code, "here")
    assert opened.caller.key_id == key_id
    with pytest.raises(WrongSecret):
        await gateway.signing_in.by_pairing_code(gateway.access.guest, code, "here")


async def test_voided_codes_end_the_sessions_of_tables(gateway: Gateway) -> None:
    code = await gateway.administration.table_code("7")
    opened = await gateway.signing_in.by_table_code(gateway.access.guest, code, "here")
    assert opened.caller.table == "7"
    await gateway.administration.void_table_codes(SHELL)
    await gateway.access.refresh()
    assert await gateway.who(opened.session_id) is None
    with pytest.raises(WrongSecret):
        await gateway.signing_in.by_table_code(gateway.access.guest, code, "here")


async def test_a_session_that_is_used_all_the_time_ends_all_the_same(gateway: Gateway, clock: Hands) -> None:
    """A tablet asks every few seconds: 12 hours after it was opened, a table's session is over."""
    opened = await gateway.signing_in.by_table_code(
        gateway.access.guest, await gateway.administration.table_code("7"), "here"
    )
    begun = clock.now
    while clock.now < begun + 12 * 3600:
        assert await gateway.who(opened.session_id) is not None
        clock.now += 30
    assert await gateway.who(opened.session_id) is None


async def test_the_last_use_is_written_and_old_sessions_are_forgotten(
    gateway: Gateway, database: Database, clock: Hands
) -> None:
    code = await gateway.administration.table_code("7")
    opened = await gateway.signing_in.by_table_code(gateway.access.guest, code, "here")
    clock.now += 60
    gateway.access.of_key(KEY.encode())
    await gateway.who(opened.session_id)
    await gateway.access.flush()
    (key,) = await gateway.administration.keys()
    assert key.used_at_ms == int(clock.now * 1000)
    session_hash = fast_hash(opened.session_id)
    kept = await database.read(session_store.find_session, session_hash)
    assert kept is not None
    assert kept.used_at_ms == int(clock.now * 1000)
    clock.now += 86_401
    gateway.access.of_key(KEY.encode())
    await gateway.access.flush()
    assert await database.read(session_store.find_session, session_hash) is None


async def test_the_session_of_a_device_is_forgotten_after_more_than_a_year(
    gateway: Gateway, database: Database, clock: Hands
) -> None:
    key_id, _ = await gateway.administration.make_key(SHELL, "till", Role.WAITER)
    code = await gateway.administration.make_pairing_code(SHELL, key_id)
    opened = await gateway.signing_in.by_pairing_code(gateway.access.guest, code, "here")
    for days, is_kept in ((399, True), (2, False)):
        clock.now += days * 86_400
        gateway.access.of_key(KEY.encode())
        await gateway.access.flush()
        found = await database.read(session_store.find_session, fast_hash(opened.session_id))
        assert (found is not None) is is_kept


async def test_sessions_are_listed_and_ended_one_by_one_and_all(gateway: Gateway, clock: Hands) -> None:
    access, administration, signing_in = gateway.access, gateway.administration, gateway.signing_in
    ada_id = await administration.add_person(SHELL, "Ada", Role.WAITER, "271828")
    key_id, _ = await administration.make_key(SHELL, "till", Role.WAITER)
    code = await administration.make_pairing_code(SHELL, key_id)
    await access.refresh()
    till = await signing_in.by_pairing_code(access.guest, code, "here")
    clock.now += 1
    ada = await signing_in.by_pin(access.guest, "Ada", "271828", "here")
    clock.now += 1
    table = await signing_in.by_table_code(access.guest, await administration.table_code("7"), "here")

    found = await administration.sessions(10)
    assert [(each.person, each.device, each.session.table) for each in found] == [
        (None, None, "7"),
        ("Ada", None, None),
        (None, "till", None),
    ]
    assert [each.session_id for each in await administration.sessions(10, ada_id)] == [found[1].session_id]
    assert len(await administration.sessions(2)) == 2

    await administration.end_session(SHELL, found[0].session_id)
    await access.refresh()
    assert await gateway.who(table.session_id) is None
    with pytest.raises(NoSuchEntry):
        await administration.end_session(SHELL, found[0].session_id)

    await administration.end_all_sessions(SHELL, kept=fast_hash(ada.session_id))
    await access.refresh()
    assert await gateway.who(till.session_id) is None
    assert (await gateway.who(ada.session_id)) is not None
    await administration.end_all_sessions(SHELL)
    await access.refresh()
    assert await gateway.who(ada.session_id) is None
    assert await administration.sessions(10) == []


async def test_two_restaurants_see_nothing_of_each_other(database_url: str, database: Database, clock: Hands) -> None:
    theirs = Database(database_url, schema="gateway", tenant="theirs")
    try:
        mine, other = Gateway(database, clock), Gateway(theirs, clock, AccessPolicy(Guests.TABLES))
        await mine.access.start()
        await other.access.start()
        with pytest.raises(SignInNeeded):
            other.access.of_key(KEY.encode())
        code = await mine.administration.table_code("7")
        with pytest.raises(WrongSecret):
            await other.signing_in.by_table_code(other.access.guest, code, "here")
        opened = await mine.signing_in.by_table_code(mine.access.guest, code, "here")
        assert await other.who(opened.session_id) is None
        assert await other.administration.sessions(10) == []
        await other.administration.end_all_sessions(SHELL)
        assert len(await mine.administration.sessions(10)) == 1
        (key,) = await other.administration.keys()
        with pytest.raises(NoSuchEntry):
            await mine.administration.revoke_key(SHELL, key.key_id)
        assert {line.subject for line in await other.administration.audit(10)}.isdisjoint({"7"})
    finally:
        theirs.close()
