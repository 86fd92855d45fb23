"""The office, in a browser: its figures are REST's and the databases', and what a manager does there arrives."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.pages.evening import have_an_evening, open_restaurant
from tests.pages.serving import wait_until_live
from tests.pages.support import SIZES, Browsers, browsing, is_too_wide, serious_findings
from tests.support.database_contents import StockRow
from tests.support.keys import AUTHORIZED
from tests.support.qr import read_pdf, read_svg
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.pages, pytest.mark.long]

Json = dict[str, Any]

DESK = (1440, 900)
PIN = "314159"


@pytest.fixture(scope="module")
def restaurant(systems: Systems) -> System:
    """The menus that ship, in the middle of an evening."""
    system = open_restaurant(systems)
    have_an_evening(system)
    return system


@pytest.fixture
def forgetful(browser: Browser, systems: Systems) -> Iterator[Browsers]:
    """Browsers in a restaurant that asks for the PIN again after some seconds."""
    with browsing(browser, open_restaurant(systems, CONFIRM=6)) as browsers:
        yield browsers


@pytest.fixture
def rest(restaurant: System) -> Iterator[httpx.Client]:
    """A manager's program."""
    with manager_of(restaurant) as client:
        yield client


def manager_of(system: System) -> httpx.Client:
    return httpx.Client(base_url=system.url, headers=AUTHORIZED, trust_env=False)


def office(browsers: Browsers, part: str = "", language: str = "en", size: tuple[int, int] = DESK) -> Page:
    """Open a page of the office on a manager's device, and wait until it shows figures and all that is live."""
    device = browsers.pair(browsers.device(language=language, size=size), "manager")
    page = browsers.open(f"/office/{part}" if part else "/office", device)
    expect(page.locator("#office-app :is(.tile, .table, .empty)").first).to_be_visible()
    wait_until_live(page)
    return page


def get(rest: httpx.Client, path: str) -> Json:
    body: Json = rest.get(path).raise_for_status().json()
    return body


def number_of(locator: Locator) -> int:
    return int(re.sub(r"\D", "", locator.inner_text()))


def cell(page: Page, key: str, label: str) -> Locator:
    return page.locator(f'tr[data-key="{key}"] td[data-label="{label}"]')


def stock_of(rest: httpx.Client, department: str, item: str) -> Json:
    body = get(rest, f"/stock?department={department}")
    return next(each for each in body["stock"] if each["item"] == item)


def wait_for_law(rest: httpx.Client, department: str, item: str, row: StockRow) -> None:
    """Wait until REST has the figures of an item that its department has written down."""
    wait_for(lambda: law_of(stock_of(rest, department, item)) == row, f"{item} has its figures")


def law_of(stock: Json) -> StockRow:
    return StockRow(*(stock[each] for each in ("received", "on_hand", "held", "sold", "wasted")))


def wait_for_stock(rest: httpx.Client, department: str, item: str, on_hand: int) -> None:
    """Wait until a department's change has reached the gateway by its watch."""
    wait_for(lambda: stock_of(rest, department, item)["on_hand"] == on_hand, f"{on_hand} of {item} on hand")


def download(page: Page, table: str) -> list[list[str]]:
    """Return the file of a table, as Python's csv reads it."""
    with page.expect_download() as waiting:
        page.locator(f"#{table}-csv").click()
    content = waiting.value.path().read_bytes()
    assert content.startswith("\ufeff".encode()), "a spreadsheet reads it as UTF-8"
    assert waiting.value.suggested_filename.endswith(".csv")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert len({len(row) for row in rows}) == 1, "every row has every column"
    for row in rows:
        assert [each for each in row if each.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))] == []
    return rows


def test_todays_figures_are_those_of_rest_and_of_the_database(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers)
    orders = browsers.system.books.orders()
    sold = [line for each in orders.values() for line in each.lines if line.outcome == "accepted"]
    total = sum(line.quantity * (line.unit_price or 0) for line in sold)
    expect(page.locator("#tile-orders .tile-value")).to_have_text(str(len(orders)))
    expect(page.locator("#tile-sales .tile-value")).to_have_text(f"€{total / 100:,.2f}")
    expect(page.locator("#tile-sales .tile-detail")).to_have_text(f"{sum(line.quantity for line in sold)} items")
    assert get(rest, "/reports/orders")["orders"] == len(orders)
    assert get(rest, "/reports/sales")["totals"][0]["total"] == total
    states = Counter(
        ticket.state for name in ("bar", "kitchen", "bakery") for ticket in browsers.system.books.tickets(name).values()
    )
    open_tickets = states["queued"] + states["preparing"] + states["ready"]
    expect(page.locator("#tile-open .tile-value")).to_have_text(str(open_tickets))
    expect(page.locator('[data-department="kitchen"]')).to_contain_text("Reachable")
    expect(page.locator('[data-item="bakery donut"]')).to_contain_text("Off sale")


def test_todays_figures_change_by_themselves(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers)
    before = number_of(page.locator("#tile-orders .tile-value"))
    open_before = number_of(page.locator("#tile-open .tile-value"))
    wish = {"table": "31", "lines": [{"department": "bar", "item": "coffee", "quantity": 1}]}
    rest.post("/orders", json=wish).raise_for_status()
    expect(page.locator("#tile-orders .tile-value")).to_have_text(str(before + 1), timeout=15_000)
    expect(page.locator("#tile-open .tile-value")).to_have_text(str(open_before + 1))


def test_the_stock_is_that_of_rest_and_of_the_database(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "stock")
    for department in ("bar", "kitchen", "bakery"):
        books = browsers.system.books.check(department)
        for item, row in books.items():
            wait_for_law(rest, department, item, row)
            for label, value in (
                ("On hand", row.on_hand),
                ("Held", row.held),
                ("Sold", row.sold),
                ("Wasted", row.wasted),
                ("Received", row.received),
            ):
                expect(cell(page, f"{department} {item}", label)).to_have_text(str(value))
    expect(page.get_by_text("Does not add up")).to_have_count(0)


def test_a_delivery_is_noted_by_keyboard(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "stock")
    before = stock_of(rest, "bar", "coffee")["on_hand"]
    row = page.locator('tr[data-key="bar coffee"]')
    row.get_by_role("button", name="Restock: Coffee").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Restock: Coffee")).to_be_visible()
    expect(page.get_by_label("How many came?")).to_be_focused()
    assert serious_findings(page) == []
    page.keyboard.type("24")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row.get_by_role("button", name="Restock: Coffee")).to_be_focused()
    expect(cell(page, "bar coffee", "On hand")).to_have_text(str(before + 24))
    wait_for_stock(rest, "bar", "coffee", before + 24)
    row.get_by_role("button", name="Waste: Coffee").press("Enter")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(cell(page, "bar coffee", "On hand")).to_have_text(str(before + 21))
    browsers.system.books.check("bar")


def test_a_count_that_somebody_overtook_is_not_made_and_says_so(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "stock")
    browsers.allow(page, "status of 409")
    before = stock_of(rest, "kitchen", "pasta")["on_hand"]
    page.get_by_role("button", name="Count: Pasta").click()
    expect(page.get_by_label("How many did you count?")).to_be_focused()
    change = {"reason": "delivery", "delta": 5, "change_id": "overtakes", "changed_by": "Ben"}
    rest.post("/stock/kitchen/pasta/changes", json=change).raise_for_status()
    page.keyboard.type("2")
    page.keyboard.press("Enter")
    alert = page.get_by_role("dialog").get_by_role("alert")
    expect(alert).to_contain_text(f"it was {before}, and is {before + 5} now")
    wait_for_stock(rest, "kitchen", "pasta", before + 5)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(cell(page, "kitchen pasta", "On hand")).to_have_text("2")
    wait_for_stock(rest, "kitchen", "pasta", 2)
    page.get_by_role("button", name="History: Pasta").click()
    history = page.locator("#history tbody tr")
    expect(history.first).to_contain_text("Count")
    expect(history.nth(1)).to_contain_text("Ben")
    rows = download(page, "history")
    assert [row[1] for row in rows[1:3]] == ["Count", "Delivery"]
    browsers.system.books.check("kitchen")


def test_an_item_is_taken_off_sale_and_put_back(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "stock")
    page.get_by_role("button", name="Take off sale: Soda").click()
    expect(page.locator('tr[data-key="bar soda"]')).to_contain_text("Off sale")
    wait_for(lambda: not stock_of(rest, "bar", "soda")["on_sale"], "the bar knows")
    page.get_by_role("button", name="Put on sale: Soda").click()
    wait_for(lambda: stock_of(rest, "bar", "soda")["on_sale"], "the bar knows")
    page.get_by_label("Search items").fill("soda")
    expect(page.locator("#stock tbody tr")).to_have_count(1)


def test_sales_are_those_of_rest_each_chart_with_its_table(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "sales")
    figures = get(rest, "/reports/sales?by=item")["figures"]
    rows = page.locator("#by-item tbody tr")
    expect(rows).to_have_count(len(figures))
    for figure in figures:
        key = f"null null {figure['department']} {figure['item']}"
        row = page.locator(f'#by-item tr[data-key="{key}"]')
        expect(row).to_contain_text(str(figure["quantity"]))
        expect(row).to_contain_text(f"€{figure['total'] / 100:,.2f}")
    charts = page.locator("figure.chart")
    expect(charts).to_have_count(3)
    for number in range(charts.count()):
        table = charts.nth(number).locator("xpath=..").get_by_role("table").inner_text()
        bars = charts.nth(number).locator("g > title").all_text_contents()
        assert bars
        for bar in bars:  # "Pasta: €75.00"
            label, _, value = bar.rpartition(": ")
            assert label in table or f"{label}:00" in table
            assert value in table
        assert charts.nth(number).locator("svg").get_attribute("aria-label")
        assert set(charts.nth(number).locator("text.chart-value").all_text_contents()) <= {
            bar.rpartition(": ")[2] for bar in bars
        }
    assert serious_findings(page) == []


def test_days_are_chosen_by_the_address(browsers: Browsers) -> None:
    page = office(browsers, "sales")
    total = page.locator("#tile-sales .tile-value").inner_text()
    page.get_by_role("link", name="7 days").click()
    expect(page.locator('.office-range [aria-current="true"]')).to_have_text("7 days")
    expect(page.locator("#tile-sales .tile-value")).to_have_text(total)
    expect(page.locator("#by-day tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Yesterday").click()
    expect(page.locator("#tile-sales .tile-value")).to_have_text("€0.00")
    expect(page.locator(".empty")).to_contain_text("Nothing was sold")


def test_times_are_those_of_rest(browsers: Browsers, rest: httpx.Client) -> None:
    wait_for(lambda: get(rest, "/reports/preparation-times")["figures"], "the journal has a finished share")
    page = office(browsers, "times")
    (kitchen,) = get(rest, "/reports/preparation-times")["figures"]
    row = page.locator("#by-department tbody tr")
    expect(row).to_have_count(1)
    expect(row.locator("td").first).to_have_text(str(kitchen["shares"]))
    rows = download(page, "by-department")
    assert [float(each) for each in rows[1][2:]] == [kitchen["p50"], kitchen["p95"]]
    expect(page.locator("#accuracy tbody tr")).to_have_count(len(get(rest, "/reports/ready-times")["departments"]))


def test_open_tickets_are_listed_the_oldest_first(browsers: Browsers) -> None:
    page = office(browsers, "late")
    tickets = [each for name in ("bar", "kitchen", "bakery") for each in browsers.system.books.tickets(name).values()]
    count = sum(ticket.state in ("queued", "preparing", "ready") for ticket in tickets)
    expect(page.locator("#open-tickets tbody tr")).to_have_count(count)
    rows = download(page, "open-tickets")
    ages = [int(row[4]) for row in rows[1:]]
    assert ages == sorted(ages, reverse=True)


def test_files_open_in_a_spreadsheet_with_korean_and_quotes_and_without_formulas(
    browsers: Browsers, rest: httpx.Client
) -> None:
    names = ['김민지, "매니저"', '=HYPERLINK("http://x","y")', "+1", "-2+3", "@sum", "José"]
    for name in names:
        rest.post("/access/people", json={"name": name, "role": "waiter", "pin": PIN}).raise_for_status()
    page = office(browsers, "access", language="ko")
    people = download(page, "people")
    assert people[0][:2] == ["이름", "역할"]
    kept = {row[0] for row in people[1:]}
    assert {'김민지, "매니저"', '\'=HYPERLINK("http://x","y")', "'+1", "'-2+3", "'@sum", "José"} <= kept
    page.goto("/office/stock")
    expect(page.locator("#stock")).to_be_visible()
    stock = download(page, "stock")
    assert {"커피", "파스타", "도넛"} <= {row[0] for row in stock}
    coffee = next(row for row in stock if row[0] == "커피")
    known = stock_of(rest, "bar", "coffee")
    assert [int(each) for each in coffee[3:]] == [
        known[name] for name in ("on_hand", "held", "sold", "wasted", "received")
    ]
    page.goto("/office/log")
    expect(page.locator("#audit")).to_be_visible()
    log = download(page, "audit")
    assert len(log) - 1 >= len(get(rest, "/access/audit?limit=1000")["lines"])
    for each in people_ids(rest, names):
        rest.delete(f"/access/people/{each}").raise_for_status()


def people_ids(rest: httpx.Client, names: list[str]) -> list[str]:
    return [each["id"] for each in get(rest, "/access/people")["people"] if each["name"] in names]


def test_the_log_is_read_page_by_page(browsers: Browsers, rest: httpx.Client) -> None:
    for number in range(60):  # two lines each
        rest.post("/access/keys", json={"name": f"tablet {number}", "role": "waiter"}).raise_for_status()
        made = next(each for each in get(rest, "/access/keys")["keys"] if each["name"] == f"tablet {number}")
        rest.delete(f"/access/keys/{made['id']}").raise_for_status()
    page = office(browsers, "log")
    expect(page.locator("#audit tbody tr")).to_have_count(100)
    page.locator("#log-more").click()
    expect(page.locator("#audit tbody tr").nth(120)).to_be_attached()
    rows = download(page, "audit")
    assert len(rows) - 1 == len(get(rest, "/access/audit?limit=1000")["lines"])


def test_a_device_is_added_and_paired_by_its_code(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "access")
    page.locator("#add-key").click()
    page.get_by_label("Name", exact=True).fill("bar tablet")
    expect(page.get_by_label("menu.read")).to_be_hidden()
    page.get_by_label("Bar", exact=True).check()
    page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
    picture = page.get_by_role("img", name="Pair: bar tablet")
    expect(picture).to_be_visible()
    address = page.locator(".secret code").inner_text()
    assert read_svg(str(picture.evaluate("(svg) => svg.outerHTML"))) == address
    assert serious_findings(page) == []
    tablet = browsers.device()
    assert tablet.request.post(address, headers={"origin": browsers.system.url}).ok
    assert tablet.request.get("/me").json()["departments"] == ["bar"]
    made = next(each for each in get(rest, "/access/keys")["keys"] if each["name"] == "bar tablet")
    rest.delete(f"/access/keys/{made['id']}").raise_for_status()


def test_the_pin_is_asked_for_again_and_the_change_is_made(forgetful: Browsers) -> None:
    with manager_of(forgetful.system) as rest:
        rest.post("/access/people", json={"name": "Eve", "role": "manager", "pin": PIN}).raise_for_status()
        device = forgetful.device(size=DESK)
        origin = {"origin": forgetful.system.url}
        device.request.post("/sign-in", data={"name": "Eve", "pin": PIN}, headers=origin)
        page = forgetful.open("/office/access", device)
        forgetful.allow(page, "status of 40[13]")
        expect(page.locator("#people")).to_be_visible()

        def is_long_ago() -> bool:
            tried = device.request.delete("/access/keys/none", headers=origin)
            return tried.status == 403 and tried.json()["type"] == "urn:comanda:sign-in-again"

        wait_for(is_long_ago, "the sign-in is too long ago")
        page.locator("#add-person").click()
        page.get_by_label("Name", exact=True).fill("Bob")
        page.get_by_label("PIN", exact=True).fill("271828")
        page.get_by_role("dialog").get_by_role("button", name="Add", exact=True).click()
        dialog = page.get_by_role("dialog", name="Enter the PIN again")
        expect(dialog).to_be_visible()
        expect(dialog.get_by_label("Name")).to_have_value("Eve")
        assert serious_findings(page) == []
        dialog.get_by_label("PIN").fill("000000")
        page.keyboard.press("Enter")
        expect(dialog.get_by_role("alert")).to_contain_text("wrong")
        dialog.get_by_label("PIN").fill(PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_have_count(0)
        expect(page.locator("#people")).to_contain_text("Bob")
        assert people_ids(rest, ["Bob"])


@pytest.mark.parametrize(
    ("role", "text"), [(None, "Sign in first"), ("waiter", "Not for you"), ("station", "Not for you")]
)
def test_who_may_not_is_refused_kindly(browsers: Browsers, role: str | None, text: str) -> None:
    device = browsers.device()
    if role is not None:
        browsers.pair(device, role, ["bar"] if role == "station" else [])
    page = browsers.open("/office/stock", device)
    browsers.allow(page, "status of 40[13]")
    expect(page.get_by_role("heading", name=text)).to_be_visible()
    expect(page.locator(".header-nav").get_by_role("link", name="Office")).to_have_count(0)


def test_the_sheet_is_printed_and_its_codes_lead_to_the_tables(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "access")
    page.get_by_role("textbox", name="Tables").fill("1-12, 테라스 1")
    page.get_by_role("button", name="Show the sheet to print").click()
    expect(page.locator(".sheet-card")).to_have_count(13)
    codes = read_pdf(page.pdf(prefer_css_page_size=True))
    tables = [*map(str, range(1, 13)), "테라스 1"]
    expected = [get(rest, f"/access/table-codes?table={table}")["address"] for table in tables]
    assert [address for address, _ in codes] == expected
    assert min(width for _, width in codes) >= 40, "a phone reads it at arm's length"


def test_a_page_that_cannot_be_read_offers_to_try_again(browsers: Browsers) -> None:
    page = browsers.open("/sign-in", browsers.pair(browsers.device(size=DESK), "manager"))
    browsers.allow(page, "status of 503")
    page.route("**/reports/**", lambda route: route.fulfill(status=503, json={"title": "none"}))
    page.goto("/office/sales?range=yesterday")
    expect(page.get_by_role("alert")).to_contain_text("could not be read (503)")
    page.unroute("**/reports/**")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#tile-sales")).to_be_visible()


def test_the_links_to_its_pages_show_their_icons_on_a_wall(browsers: Browsers) -> None:
    page = office(browsers, "sales", language="es", size=SIZES["wall"])
    links = page.locator(".office-nav")
    assert links.evaluate("(nav) => nav.scrollWidth <= nav.clientWidth")


def test_the_link_of_the_page_is_seen_on_a_phone(browsers: Browsers) -> None:
    page = office(browsers, "log", size=SIZES["phone"])
    for width in (SIZES["phone"][0], 320):  # a frame of the demo gets narrower after it was loaded
        page.set_viewport_size({"width": width, "height": SIZES["phone"][1]})
        for row in (".header-nav", ".office-nav"):
            expect(page.locator(f"{row} [aria-current]")).to_be_in_viewport(ratio=0.98)


def test_names_in_a_chart_do_not_reach_their_values(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "sales", size=(320, 640))
    rows = page.locator("#by-item-chart g, .chart g").filter(has=page.locator(".chart-track"))
    expect(rows.first).to_be_visible()
    ends = (
        "(rows) => rows.map((row) => ['label', 'value'].map((each) => row.querySelector(`.chart-${each}`).getBBox()))"
    )
    for label, value in rows.evaluate_all(
        f"(rows) => ({ends})(rows).map((pair) => pair.map(({{x, width}}) => [x, x + width]))"
    ):
        assert label[1] < value[0]


@pytest.mark.parametrize("part", ["", "stock", "sales", "times", "late", "access", "log"])
def test_the_office_fits_a_phone(browsers: Browsers, part: str) -> None:
    page = office(browsers, part, language="es", size=(320, 640))
    assert not is_too_wide(page)
    assert serious_findings(page) == []


def test_figures_that_cannot_be_read_again_say_from_when_they_are(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers)
    browsers.allow(page, "status of 503")
    page.route("**/reports/**", lambda route: route.fulfill(status=503, json={"title": "none"}))
    wish = {"table": "32", "lines": [{"department": "bakery", "item": "cookie", "quantity": 1}]}
    rest.post("/orders", json=wish).raise_for_status()
    expect(page.get_by_role("alert")).to_contain_text("The figures are from", timeout=15_000)
    expect(page.locator("#tile-orders")).to_be_visible()
    page.unroute("**/reports/**")
    expect(page.get_by_role("alert")).to_have_count(0, timeout=15_000)


def test_more_waste_than_there_is_is_refused_in_plain_words(browsers: Browsers, rest: httpx.Client) -> None:
    page = office(browsers, "stock")
    browsers.allow(page, "status of 409")
    before = stock_of(rest, "bakery", "cookie")["on_hand"]
    page.get_by_role("button", name="Waste: Cookie").click()
    page.keyboard.type("9999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("Nothing was changed")
    wait_for_stock(rest, "bakery", "cookie", before)
