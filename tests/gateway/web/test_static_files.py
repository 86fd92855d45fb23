"""The files that the pages load."""

import gzip
from pathlib import Path

import pytest

from gateway.web.assets import FOLDER, Assets, assets
from tests.support.rest_app import Served

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_file_of_this_version_is_kept_for_ever(shared: Served) -> None:
    response = await shared.client.get(assets().address("shell.js"))
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/javascript; charset=utf-8"
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["content-encoding"] == "gzip"
    assert response.content == assets().files["shell.js"].content


async def test_a_client_without_gzip_gets_it_as_it_is(shared: Served) -> None:
    response = await shared.client.get(assets().address("shell.js"), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in response.headers
    assert response.content == assets().files["shell.js"].content


async def test_a_file_of_another_version_is_asked_for_again(shared: Served) -> None:
    response = await shared.client.get("/static/another/shell.js")
    assert response.headers["cache-control"] == "no-cache"
    again = await shared.client.get("/static/another/shell.js", headers={"if-none-match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "name", ["nothing.js", "../texts.py", "vendor/lit/LICENSE", "%2e%2e/texts.py", "live", "a%00b"]
)
async def test_nothing_else_is_served(shared: Served, name: str) -> None:
    assert (await shared.client.get(f"/static/{assets().version}/{name}")).status_code == 404


async def test_every_import_is_a_file() -> None:
    known = assets()
    for name in known.files:
        if name.endswith(".js") and "/main.js" in name:
            assert set(known.modules(name)) <= set(known.files)
    assert known.modules("shell.js") == ("shell.js", "device/install.js", "page.js", "ui/format.js", "ui/texts.js")


async def test_a_changed_file_changes_the_version(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("1")
    first = Assets(tmp_path)
    assert first.files["a.js"].compressed == b"", "it would be longer"
    (tmp_path / "a.js").write_text("2" * 1000)
    second = Assets(tmp_path)
    assert first.version != second.version
    assert gzip.decompress(second.files["a.js"].compressed) == b"2" * 1000


async def test_comments_are_not_sent_and_lines_keep_their_numbers(tmp_path: Path) -> None:
    module = [
        "/** What",
        " * it does */",
        "const a = /** @type {any} */ (b); // stays",
        "/** @type {any} */ (self).c = 1;",
        "  // goes",
        "const d = `https://x/* stays */`;",
        "/** goes */",
        "e();",
    ]
    (tmp_path / "a.js").write_text("\n".join(module))
    (tmp_path / "a.css").write_text("/* goes */\na { color: red; /* goes */ }")
    known = Assets(tmp_path)
    kept = ["", "", module[2], module[3], "", module[5], "", "e();"]
    assert known.files["a.js"].content.decode().split("\n") == kept
    assert known.files["a.css"].content == b"\na { color: red;  }"


async def test_vendored_files_are_sent_unchanged() -> None:
    name = "vendor/lit/lit-html.js"
    assert assets().files[name].content == (FOLDER / name).read_bytes()
