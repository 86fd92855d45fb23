"""`/static/…` and `/favicon.ico`: the pages' modules, styles and icons."""

from typing import Any

from litestar import HttpMethod, Request, Response, get, route
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from gateway.domain.access import Action
from gateway.rest.app import ASSETS
from gateway.web.assets import ASK_AGAIN, FOREVER, PATH, assets

_ICON_BYTES = (ASSETS / "favicon-32x32.png").read_bytes()


@get(
    PATH + "/{version:str}/{file_path:path}",
    include_in_schema=False,
    sync_to_thread=False,
    action=Action.PAGE_READ,
)
def get_static(request: Request[Any, Any, Any], version: FromPath[str], file_path: FromPath[str]) -> Response[bytes]:
    """Return a file; one of another version is this gateway's, and is asked for again: a page may come from another."""
    known = assets()
    asset = known.files.get(str(file_path).lstrip("/"))
    if asset is None:
        raise NotFoundException
    etag = f'"{known.version}"'
    headers = {
        "Cache-Control": FOREVER if version == known.version else ASK_AGAIN,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, media_type=asset.kind, headers=headers)
    content = asset.content
    if asset.compressed and "gzip" in request.headers.get("accept-encoding", ""):
        content = asset.compressed
        headers["Content-Encoding"] = "gzip"
    return Response(content, status_code=200, media_type=asset.kind, headers=headers)


@route(
    "/favicon.ico",
    http_method=[HttpMethod.GET, HttpMethod.HEAD],
    include_in_schema=False,
    sync_to_thread=False,
    action=Action.PAGE_READ,
)
def get_icon() -> Response[bytes]:
    """Return the icon that browsers request."""
    return Response(
        _ICON_BYTES, status_code=200, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"}
    )
