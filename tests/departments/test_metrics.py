"""What a scrape shows of a department."""

from collections.abc import AsyncIterator

import pytest

from departments.app import DepartmentApp
from departments.domain.steps import Move
from departments.domain.tickets import TicketState, Verb
from departments.feed import Watcher
from departments.metrics import DepartmentMetrics
from departments.rpc import convert_changes
from departments.storage import MIGRATIONS
from departments.watching import Watching
from infra.db.database import Database
from tests.support.department_factories import BAR, coffees, order
from tests.support.metrics import Samples, samples
from tests.support.migrated import prepare


class Scraped:
    """A bar, and its metrics."""

    def __init__(self, url: str, reuse_seconds: float = 0.0) -> None:
        self.database = Database(url, schema="bar")
        prepare(self.database, MIGRATIONS)
        self.app = DepartmentApp(BAR, self.database)
        commits = self.app.commits
        self.watching = Watching(self.app.change_reader, commits.all, commits.steps, convert_changes.encoded_page)
        self.metrics = DepartmentMetrics(self.app, self.watching, reuse_seconds)

    async def shown(self) -> Samples:
        await self.metrics.read()
        return await samples(self.metrics.families)


@pytest.fixture
async def bar(database_url: str) -> AsyncIterator[Scraped]:
    scraped = Scraped(database_url)
    await scraped.app.open()
    yield scraped
    scraped.app.close()
    scraped.database.close()


async def test_open_tickets_are_shown_by_state_with_the_age_of_the_oldest(bar: Scraped) -> None:
    queued, started, held = coffees(1), coffees(1), coffees(1, hold=True)
    await bar.app.place([queued, started, held])
    await bar.app.move(Move(started.order_id, Verb.START, TicketState.QUEUED, "a", "Ana"))
    shown = await bar.shown()
    counts = {state: shown[f"tickets{{state={state}}}"] for state in ("held", "queued", "preparing", "ready")}
    assert counts == {"held": 1, "queued": 1, "preparing": 1, "ready": 0}
    assert 0 < shown["tickets_oldest_seconds{state=queued}"] < 60
    assert shown["tickets_oldest_seconds{state=ready}"] == 0
    assert shown["batch_items_sum{queue=transactions}"] == 2


async def test_the_stock_is_shown_by_item(bar: Scraped) -> None:
    before = await bar.shown()
    await bar.app.place([order(("coffee", 3))])
    after = await bar.shown()
    assert before["stock_on_hand{item=coffee}"] - after["stock_on_hand{item=coffee}"] == 3
    assert after["stock_items"] == len(BAR.items)
    assert after["revision"] > before["revision"]


async def test_a_watch_is_behind_by_revisions(bar: Scraped) -> None:
    assert (await bar.shown())["watchers"] == 0
    revision, incarnation = await bar.app.change_reader.position()
    watcher = Watcher(incarnation, revision)
    pages = bar.watching.watch(watcher, moved_only=False)
    await anext(pages)
    assert (await bar.shown())["watch_lag_revisions"] == 0
    await bar.app.place([coffees(1), coffees(1)])
    now = await bar.shown()
    assert (now["watchers"], now["watch_lag_revisions"]) == (1, 2)
    await pages.aclose()
    now = await bar.shown()
    assert (now["watchers"], now["watch_lag_revisions"]) == (0, 0)


async def test_a_database_that_cannot_be_read_leaves_the_other_figures(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    scraped = Scraped(f"sqlite:///{tmp_path_factory.mktemp('bar')}/bar.db")
    await scraped.app.open()
    await scraped.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE stock"))
    shown = await scraped.shown()
    scraped.database.close()
    assert "watchers" in shown
    assert not [name for name in shown if name.startswith(("tickets", "stock"))]


async def test_what_was_read_just_now_is_not_read_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    scraped = Scraped(f"sqlite:///{tmp_path_factory.mktemp('bar')}/bar.db", reuse_seconds=3600)
    await scraped.app.open()
    before = await scraped.shown()
    await scraped.app.place([coffees(1)])
    after = await scraped.shown()
    scraped.app.close()
    scraped.database.close()
    assert after["tickets{state=queued}"] == before["tickets{state=queued}"] == 0
