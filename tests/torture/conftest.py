"""Sites of real processes."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.postgresql import let_syncs_be
from tests.torture.site import Server, Site


class OpenSite:
    """Opens sites, which close after the test."""

    def __init__(self, folder: Path) -> None:
        """Keep each site's data in a folder of its own below `folder`."""
        self._folder = folder
        self._sites: list[Site] = []

    async def __call__(self, server: Server | None = None, /, **settings: Any) -> Site:
        """Open a site; `server` and `settings` are Site's."""
        folder = self._folder / f"site-{len(self._sites)}"
        folder.mkdir()
        self._sites.append(Site(folder, server, **settings))
        await self._sites[-1].open()
        return self._sites[-1]

    async def close(self) -> None:
        """Close every site."""
        for site in self._sites:
            await site.close()

    def program_logs(self) -> Iterator[tuple[str, str]]:
        """Yield (title, text) of what each program has written last."""
        for site in self._sites:
            yield from site.program_logs()


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
    open_ = OpenSite(tmp_path)
    yield open_
    await open_.close()
