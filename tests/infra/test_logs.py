import errno
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from infra.logs import Format, Level, configure_logs, shows_access
from infra.request_ids import RequestId
from tests.support.plain_logs import log_plainly

URL = "postgresql://bar:secret@db/comanda"


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    log_plainly()
    root.handlers[:], root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_an_event_for_machines_is_one_json_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", "json")
    structlog.get_logger("department").info("placed", orders=2, order_ids=["a", "b"], note="two\nlines 커피")
    (line,) = lines(capsys)
    event = json.loads(line)
    stamp = event.pop("timestamp")
    assert stamp.endswith("Z")
    assert event == {
        "event": "placed",
        "level": "info",
        "program": "bar",
        "orders": 2,
        "order_ids": ["a", "b"],
        "note": "two\nlines 커피",
    }


def test_an_event_for_people_is_one_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", "console")
    structlog.get_logger("department").info("placed", orders=2)
    (line,) = lines(capsys)
    assert "placed" in line
    assert "orders=2" in line
    assert "\x1b" not in line
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[info", line)


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("debug", ["debug", "access", "info", "warning", "error"]),
        ("access", ["access", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_events_below_the_level_are_left_out(
    level: Level, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("bar", level, "json")
    log = structlog.get_logger("department")
    for name in ("debug", "access", "info", "warning", "error"):
        getattr(log, name)("happened")
    assert [json.loads(line)["level"] for line in lines(capsys)] == shown
    assert shows_access(level) is ("access" in shown)


@pytest.mark.parametrize("library", [True, False])
def test_an_event_within_a_request_has_its_id(library: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("gateway", "info", "json")

    def tell() -> None:
        if library:
            logging.getLogger("uvicorn").warning("happened")
        else:
            structlog.get_logger("gateway").info("happened")

    request = RequestId.begin("table-7")
    tell()
    request.end()
    tell()
    first, second = map(json.loads, lines(capsys))
    assert first["request_id"] == "table-7"
    assert "request_id" not in second


def test_a_library_s_warning_looks_like_our_own_events(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("gateway", "info", "json")
    logging.getLogger("uvicorn").info("chatter")
    logging.getLogger("uvicorn").warning("%s is late", "somebody")
    (line,) = lines(capsys)
    event = json.loads(line)
    assert (event["event"], event["level"], event["program"]) == ("somebody is late", "warning", "gateway")


@pytest.mark.parametrize("library", [True, False])
def test_a_fault_is_logged_with_its_traceback(library: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", "json")
    try:
        raise ValueError("out of milk")
    except ValueError as error:
        if library:
            logging.getLogger("grpclib").error("a fault", exc_info=error)
        else:
            structlog.get_logger("grpc").error("a fault", exc_info=error)
    (line,) = lines(capsys)
    (fault, *_) = json.loads(line)["exception"]
    assert (fault["exc_type"], fault["exc_value"]) == ("ValueError", "out of milk")
    assert fault["frames"][-1]["name"] == "test_a_fault_is_logged_with_its_traceback"


def test_a_fault_is_readable_for_people_too(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", "console")
    try:
        raise ValueError("out of milk")
    except ValueError as error:
        structlog.get_logger("grpc").error("a fault", exc_info=error)
    text = "\n".join(lines(capsys))
    assert "a fault" in text
    assert "ValueError: out of milk" in text


def test_a_value_that_is_no_json_is_written_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", "json")
    structlog.get_logger("department").info("open", address=object)
    (line,) = lines(capsys)
    assert json.loads(line)["address"] == "<class 'object'>"


@pytest.mark.parametrize("style", ["console", "json"])
@pytest.mark.parametrize("library", [True, False])
def test_a_traceback_shows_no_values(style: Format, library: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", style)

    def connect(url: str) -> None:
        raise ConnectionError("no response")

    try:
        connect(URL)
    except ConnectionError as error:
        if library:
            logging.getLogger("sqlalchemy").error("a fault", exc_info=error)
        else:
            structlog.get_logger("department").error("a fault", exc_info=error)
    text = "\n".join(lines(capsys))
    assert "no response" in text
    assert "connect" in text
    assert "secret" not in text


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_warning_of_the_database_driver_is_one_line_that_names_it(
    style: Format, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logs("bar", "info", style)
    lost = "server closed the connection unexpectedly\n\tThis probably means the server\n\tterminated abnormally."
    logging.getLogger("psycopg").warning("error ignored in rollback on %s: %s", "[BAD]", lost)
    (line,) = lines(capsys)
    text = (
        "error ignored in rollback on [BAD]: server closed the connection unexpectedly This probably means the server"
    )
    assert text in line
    assert "psycopg" in line


class FullDisk:
    def write(self, text: str, /) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise BrokenPipeError

    def isatty(self) -> bool:
        return False


@pytest.mark.parametrize("style", ["console", "json"])
def test_a_log_that_cannot_be_written_disturbs_nobody(style: Format, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("bar", "info", style, FullDisk())
    structlog.get_logger("department").info("placed", orders=2)
    logging.getLogger("uvicorn").warning("late")
    assert lines(capsys) == []
