"""Calls the gateway's REST API, with the standard library's HTTP client."""

import argparse
import http.client
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlencode, urlsplit

from gateway.settings import GatewaySettings
from infra.addresses import join_address
from infra.errors import StartError
from infra.setting_names import KEY, URL
from infra.settings import read_settings
from ops.procfile import own_address
from ops.refusals import Refused
from ops.staff.tables import Json, one_line

SECONDS = 10.0
"""How long a response may take."""

PAGE = 200


def add_url(parser: argparse.ArgumentParser) -> None:
    """Declare where the gateway is, and how the result is printed."""
    parser.add_argument("--url", help=f"where the gateway is (default: {URL}, or this machine's gateway)")
    parser.add_argument("--json", action="store_true", help="print JSON, as the API returns it")


class Rest:
    """The gateway's API.

    Every method raises Refused where the gateway refuses, StartError where it is not there or cannot do it now.
    """

    def __init__(self, url: str | None, environ: Mapping[str, str]) -> None:
        """`url` is that of a command line, or None for the one in the environment."""
        self.url = own_url(url, environ)
        key = environ.get(KEY, "").strip()
        self._authorization = {"Authorization": f"Bearer {key}"} if key else {}
        parts = urlsplit(self.url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if parts.scheme not in {"http", "https"} or not host or parts.query:
            raise StartError(f"{self.url!r} is no URL of a gateway: expected one such as http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(host, port, timeout=SECONDS)
        self._base = parts.path

    def get(self, *path: str, **query: object) -> Json:
        """Return a resource; `path` are its segments, and a query with None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        target = _target(path) + (f"?{urlencode(given, doseq=True)}" if given else "")
        return self._read(*self.open("GET", target))

    def send(self, method: str, *path: str, body: Json) -> Json:
        """Send a body, and return what the gateway returns."""
        return self._read(*self.open(method, _target(path), body))

    def pages(self, name: str, *path: str, **query: object) -> Iterator[Json]:
        """Yield every page of a list whose entries are under `name`."""
        cursor = None
        while True:
            page = self.get(*path, limit=PAGE, cursor=cursor, **query)
            yield page
            cursor = page["next"]
            if cursor is None or not page[name]:
                return

    def open(
        self, method: str, target: str, body: Json | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[http.client.HTTPResponse, str]:
        """Send a request, and return the response, not read, and what was asked."""
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        try:
            self._connection.request(
                method, self._base + target, content, {**self._authorization, **kind, **(headers or {})}
            )
            return self._connection.getresponse(), f"{method} {target}"
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise self.away(error) from error

    def close(self) -> None:
        """Close the connection; the next request opens another one."""
        self._connection.close()

    def away(self, error: Exception) -> StartError:
        """Return the error for a gateway that does not respond."""
        reason = "no response in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
        return StartError(f"the gateway at {self.url} cannot be reached: {reason}")

    def check(self, response: http.client.HTTPResponse, request: str) -> None:
        """Raise Refused for a response that is a problem, StartError for one that says that it cannot be done now."""
        if response.status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StartError(self._reason(response, request))
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise Refused(self._reason(response, request))

    def _read(self, response: http.client.HTTPResponse, request: str) -> Json:
        try:
            self.check(response, request)
            found = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self.away(error) from error
        if not isinstance(found, dict):
            raise StartError(f"{self.url} is no gateway: {request} is no JSON object there")
        return found

    def _reason(self, response: http.client.HTTPResponse, request: str) -> str:
        content = response.read()
        hint = (
            f"; {KEY} has the key that is sent, `python -m ops access key` makes one" if response.status == 401 else ""
        )
        try:
            return one_line(str(json.loads(content)["detail"])) + hint
        except (ValueError, KeyError, TypeError):
            return f"{request} is {response.status} {response.reason} at {self.url}"


def _target(path: tuple[str, ...]) -> str:
    return "".join(f"/{quote(segment, safe='')}" for segment in path)


def own_url(url: str | None, environ: Mapping[str, str]) -> str:
    """Return where the gateway is: by a command line, by the environment, or on this machine."""
    return (url or environ.get(URL, "").strip() or _local_url(environ)).rstrip("/")


def _local_url(environ: Mapping[str, str]) -> str:
    settings = read_settings(GatewaySettings, "gateway", environ)
    return f"http://{join_address(own_address(settings.host), settings.port)}"
