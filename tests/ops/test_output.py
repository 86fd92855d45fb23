import os
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ops.output import Output, OwnLines


class Reader:
    def __init__(self) -> None:
        self.end, self.descriptor = os.pipe()
        self.failures = 0

    def fail(self) -> None:
        self.failures += 1

    def output(self, *, coloured: bool = False) -> Output:
        return Output(self.descriptor, ["bar", "gateway"], coloured=coloured, on_failure=self.fail)

    def text(self) -> str:
        return os.read(self.end, 1 << 20).decode()


@pytest.fixture
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    for descriptor in (reader.end, reader.descriptor):
        with suppress(OSError):
            os.close(descriptor)


def test_each_line_has_its_program_in_front(reader: Reader) -> None:
    output = reader.output()
    output.write("bar", b"open")
    output.write("gateway", "ready 커피".encode())
    assert reader.text() == "bar     | open\ngateway | ready 커피\n"


def test_on_a_terminal_each_program_has_a_colour_of_its_own(reader: Reader) -> None:
    output = reader.output(coloured=True)
    output.write("bar", b"open")
    output.write("gateway", b"open")
    assert reader.text() == "\x1b[36mbar     |\x1b[0m open\n\x1b[33mgateway |\x1b[0m open\n"


def test_a_line_of_json_is_passed_on_as_it_is(reader: Reader) -> None:
    reader.output().write("bar", b'{"event": "open"}', is_json=True)
    assert reader.text() == '{"event": "open"}\n'


def test_own_lines_are_among_them(reader: Reader) -> None:
    output = reader.output()
    OwnLines(output, "bar", is_json=False).write("one\ntwo\n")
    OwnLines(output, "bar", is_json=True).write("{}\n")
    assert reader.text() == "bar     | one\nbar     | two\n{}\n"


def test_a_write_that_fails_is_reported(reader: Reader) -> None:
    os.close(reader.end)
    reader.output().write("bar", b"open")
    assert reader.failures == 1
