"""Sites of real processes; a test that fails shows what they wrote."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgresql import let_syncs_be
from tests.torture.site import Server, Site

OpenSite = Callable[..., Awaitable[Site]]


@pytest.fixture(scope="package")
def server() -> Iterator[Server]:
    """Run a PostgreSQL server that may be crashed; not in pytest's folder, see `postgresql`."""
    with tempfile.TemporaryDirectory(prefix="comanda-") as folder:
        server = Server(Path(folder) / "pg")
        let_syncs_be(server.url)
        yield server
        server.close()


@pytest.fixture
async def open_site(tmp_path: Path) -> AsyncIterator[OpenSite]:
    """Open sites, and close them after the test."""
    sites: list[Site] = []

    async def open_(server: Server | None = None, **settings: Any) -> Site:
        folder = tmp_path / f"site-{len(sites)}"
        folder.mkdir()
        sites.append(Site(folder, server, **settings))
        await sites[-1].open()
        return sites[-1]

    open_.sites = sites  # type: ignore[attr-defined]  # for the report
    yield open_
    for site in sites:
        await site.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the programs' logs below a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for site in getattr(item.funcargs.get("open_site"), "sites", []):
            report.sections.append(("logs", site.logs()))
    return report
