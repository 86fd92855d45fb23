"""What makes the pages an app: the manifest, and the worker that opens pages without a network."""

from typing import Annotated, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from gateway.domain.access import Action
from gateway.tickets.watching import LiveDepartments
from gateway.web.assets import ASK_AGAIN, assets
from gateway.web.document import Site
from gateway.web.view import View

_WORKER_POLICY = "default-src 'none'; connect-src 'self'"


@get("/app.webmanifest", include_in_schema=False, sync_to_thread=False, action=Action.PAGE_READ)
def get_manifest(
    site: NamedDependency[Site],
    view: NamedDependency[View],
    live: NamedDependency[LiveDepartments],
    station: Annotated[str | None, QueryParameter(description="The department whose station the app opens.")] = None,
) -> Response[Any]:
    """Return the manifest of an app that opens a station, or else the order page."""
    start = f"/stations/{station}" if station in live.names else "/"
    name = f"Comanda {station}" if station in live.names else "Comanda"
    manifest = {
        "id": start,
        "name": name,
        "short_name": name,
        "start_url": start,
        "scope": "/",
        "display": "standalone",
        "lang": view.t.language,
        "dir": view.t.direction,
        "background_color": "#faf7f2",
        "theme_color": "#0d6b4d",
        "icons": [
            {"src": site.assets.address(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
            for size in (192, 512)
        ]
        + [
            {"src": site.assets.address("icon-512.png"), "sizes": "512x512", "type": "image/png", "purpose": "maskable"}
        ],
    }
    return Response(manifest, media_type="application/manifest+json", headers={"Vary": "Accept-Language, Cookie"})


def _icon(site: Site, size: int, purpose: str) -> dict[str, str]:
    at = site.assets.address(f"icon-{size}.png")
    return {"src": at, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}


@get("/service-worker.js", include_in_schema=False, sync_to_thread=False, action=Action.PAGE_READ)
def get_worker() -> Response[bytes]:
    """Return the worker; its address has no version, because a browser compares the file itself."""
    return Response(
        assets().files["service_worker.js"].content,
        media_type="text/javascript",
        headers={"Cache-Control": ASK_AGAIN, "Content-Security-Policy": _WORKER_POLICY},
    )
