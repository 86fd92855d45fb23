"""The thread that sends spans to an OTLP receiver.

Requests are never slowed by it: a span that ends is put into a queue of bounded length, whose oldest are dropped where
the receiver is down or slow. That it is down is one line in the log, and that it is there again another.
"""

import gzip
import ssl
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection

import structlog

from infra.errors import SettingsError
from infra.tracing.settings import TracingSettings
from infra.tracing.spans import Span

LAST_SECONDS = 2.0
"""How long a program that stops waits for its last spans to be sent."""

LONGEST_PAUSE = 30.0
"""Seconds between two attempts to reach a receiver that is down, at most."""

_MAY_BE_REPEATED = frozenset({429, 502, 503, 504})
_RESPONSE_BYTES = 64 * 1024

Encode = Callable[[Mapping[str, str], Sequence[Span]], bytes]

log = structlog.get_logger("traces")


class Exporter:
    """Takes spans from any thread, and sends them from its own."""

    def __init__(self, settings: TracingSettings, resource: Mapping[str, str], encode: Encode) -> None:
        """Send nothing until `start`; raises SettingsError where a certificate cannot be read."""
        self._settings = settings
        self._resource = resource
        self._encode = encode
        self._tls = _tls_context(settings)
        self._queue: deque[Span] = deque(maxlen=settings.queue)
        self._wake = threading.Event()
        self._is_closing = threading.Event()
        self._is_failing = False
        self._recorded = 0
        self._sent = 0
        self._refused = 0
        self._thread = threading.Thread(target=self._run, name="traces", daemon=True)

    def start(self) -> None:
        """Begin to send what is recorded."""
        self._thread.start()

    def record(self, span: Span) -> None:
        """Queue a span that has ended; where the queue is full, its oldest span is dropped."""
        self._queue.append(span)
        self._recorded += 1
        if len(self._queue) == self._settings.batch:
            self._wake.set()

    @property
    def dropped(self) -> int:
        """How many spans were not sent and never will be; those that are being sent just now count, too."""
        return self._recorded - self._sent - len(self._queue)

    def close(self) -> None:
        """Send what is left, within LAST_SECONDS; nothing where the receiver is down."""
        self._is_closing.set()
        self._wake.set()
        self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        pause = self._settings.interval
        while not self._is_closing.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            pause = self._settings.interval if self._send_all() else self._wait_longer(pause)
        if not self._is_failing:
            self._send_all()

    def _wait_longer(self, pause: float) -> float:
        """Wait before the next attempt, however many spans arrive meanwhile; return how long to wait after that."""
        self._is_closing.wait(pause)
        return min(pause * 2, max(LONGEST_PAUSE, self._settings.interval))

    def _send_all(self) -> bool:
        """Send what is queued; return False where the receiver did not take it, which is queued again."""
        while self._queue:
            spans = [self._queue.popleft() for _ in range(min(self._settings.batch, len(self._queue)))]
            try:
                body = self._encode(self._resource, spans)
            except Exception as error:  # a fault of this program: it is logged, and the thread goes on
                log.error("spans cannot be encoded", exc_info=error)
                continue
            try:
                status = self._post(body)
            except (OSError, HTTPException) as error:
                return self._keep(spans, f"{type(error).__name__}: {error}")
            if status in _MAY_BE_REPEATED:
                return self._keep(spans, f"status {status}")
            self._note(spans, status)
        return True

    def _keep(self, spans: Sequence[Span], reason: str) -> bool:
        """Put spans back in front, as far as there is room beside those that arrived meanwhile."""
        if not self._is_failing:
            log.warning("traces cannot be sent; the newest are kept", url=self._url, reason=reason)
        self._is_failing = True
        room = self._settings.queue - len(self._queue)
        self._queue.extendleft(reversed(spans[-room:] if room else ()))
        return False

    def _note(self, spans: Sequence[Span], status: int) -> None:
        """Count what the receiver took, or refused for good."""
        if 200 <= status < 300:
            self._sent += len(spans)
            if self._is_failing:
                log.info("traces are sent again", url=self._url, dropped=self.dropped)
            self._is_failing = False
            return
        if not self._refused:
            log.error("a receiver of traces refuses them", url=self._url, status=status)
        self._refused += len(spans)

    def _post(self, body: bytes) -> int:
        """Send a request and return the status of its response; raises OSError or HTTPException without one."""
        at, headers = self._settings.endpoint, {"Content-Type": "application/x-protobuf"}
        if self._settings.is_compressed:
            body, headers["Content-Encoding"] = gzip.compress(body, 1), "gzip"
        timeout = min(self._settings.timeout, LAST_SECONDS) if self._is_closing.is_set() else self._settings.timeout
        host, port = at.hostname or "", at.port
        if self._tls is not None:
            connection: HTTPConnection = HTTPSConnection(host, port, timeout=timeout, context=self._tls)
        else:
            connection = HTTPConnection(host, port, timeout=timeout)
        try:
            connection.request("POST", self._path, body, headers | self._settings.headers)
            response = connection.getresponse()
            response.read(_RESPONSE_BYTES)
            return response.status
        finally:
            connection.close()

    @property
    def _path(self) -> str:
        at = self._settings.endpoint
        return (at.path or "/") + (f"?{at.query}" if at.query else "")

    @property
    def _url(self) -> str:
        """Where spans are sent, without the query, which may be a secret."""
        return self._settings.endpoint._replace(query="").geturl()


def _tls_context(settings: TracingSettings) -> ssl.SSLContext | None:
    """Return how the receiver is checked, or None for plain HTTP; raises SettingsError."""
    if settings.endpoint.scheme != "https":
        return None
    try:
        context = ssl.create_default_context(cafile=settings.ca or None)
        if settings.cert:
            context.load_cert_chain(settings.cert, settings.key or None)
    except (OSError, ssl.SSLError) as error:
        paths = ", ".join(filter(None, (settings.ca, settings.cert, settings.key)))
        raise SettingsError(f"a certificate for traces cannot be used ({paths}): {error}") from None
    return context
