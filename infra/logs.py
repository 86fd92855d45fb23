"""Structured logs: one line for each event with its fields, for people (console) or for machines (json).

Tracebacks are logged without the values of variables, which may contain a database's URL with its password.
"""

import logging
import sys
from contextlib import suppress
from typing import Any, Literal, Protocol, TextIO, cast

import structlog
from structlog.tracebacks import ExceptionDictTransformer

from infra.request_ids import current_request_id, current_span

Format = Literal["console", "json"]
Level = Literal["debug", "access", "info", "warning", "error"]

ACCESS = (logging.DEBUG + logging.INFO) // 2

_LEVELS: dict[Level, int] = {
    "debug": logging.DEBUG,
    "access": ACCESS,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}


class LogStream(Protocol):
    """Where log lines are written."""

    def write(self, text: str, /) -> int: ...  # noqa: D102
    def flush(self) -> None: ...  # noqa: D102
    def isatty(self) -> bool: ...  # noqa: D102


def configure_logs(program: str, level: Level, style: Format, stream: LogStream | None = None) -> None:
    """Write our events and the libraries' records from `level` up to standard error, or to `stream`."""
    lines = cast("TextIO", _Lossy(stream or sys.stderr))
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        add_request_id,
        structlog.processors.TimeStamper(fmt="iso" if style == "json" else "%Y-%m-%d %H:%M:%S", utc=style == "json"),
    ]
    if style == "json":
        without_values = ExceptionDictTransformer(show_locals=False)
        shared += [_named(program), structlog.processors.ExceptionRenderer(without_values)]
        renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(default=str)
    else:
        renderer = structlog.dev.ConsoleRenderer(
            colors=lines.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=logger_class(_LEVELS[level]),
        logger_factory=lambda *_: _Writer(lines),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    chain = [_from_a_library, *shared]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=chain, processor=renderer))
    logging.basicConfig(handlers=[handler], level=max(_LEVELS[level], logging.WARNING), force=True)


def _from_a_library(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Join a library's message to one line, and add the logger's name: psycopg's messages have several lines."""
    event["event"] = " ".join(str(event["event"]).split())
    event["logger"] = event["_record"].name
    return event


def shows_access(level: Level) -> bool:
    """Return whether a line for each request is logged at this level."""
    return _LEVELS[level] <= ACCESS


class _Writer(structlog.WriteLogger):
    access = structlog.WriteLogger.msg


def logger_class(level: int) -> type:
    """Make the class of our loggers: structlog's levels, and `access` between `debug` and `info`."""

    def access(self: Any, event: str, **fields: object) -> None:
        if level <= ACCESS:
            self._proxy_to_logger("access", event, **fields)

    known = logging.INFO if level == ACCESS else level  # structlog knows its own levels only
    return type("BoundLogger", (structlog.make_filtering_bound_logger(known),), {"access": access})


def add_request_id(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the id of the current request to an event, and where it is sampled the id of its trace."""
    request_id = current_request_id()
    if request_id is not None:
        event.setdefault("request_id", request_id)
        span = current_span()
        if span is not None:
            event.setdefault("trace_id", span.trace_id)
    return event


class _Lossy:
    """Drops lines that cannot be written: a full disk or a closed pipe must not make a request fail."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream
        self.isatty = stream.isatty

    def write(self, text: str) -> int:
        with suppress(OSError):  # there is nowhere else to report it
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _named(program: str) -> structlog.typing.Processor:
    def name(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event["program"] = program
        return event

    return name
