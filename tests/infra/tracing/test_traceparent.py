"""`traceparent` is read as the W3C's specification says, and what it does not allow is none."""

import pytest

from infra.tracing.traceparent import (
    RemoteParent,
    SpanContext,
    find_traceparent,
    format_traceparent,
    parse_traceparent,
)

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
CONTEXT = SpanContext(int(TRACE, 16), int(SPAN, 16))


@pytest.mark.parametrize(
    ("text", "is_sampled"),
    [
        (f"00-{TRACE}-{SPAN}-01", True),
        (f"00-{TRACE}-{SPAN}-00", False),
        (f"00-{TRACE}-{SPAN}-03", True),
        (f"00-{TRACE}-{SPAN}-fe", False),
        (f"01-{TRACE}-{SPAN}-01", True),
        (f"cc-{TRACE}-{SPAN}-01-what-comes-later", True),
        (f"fe-{TRACE}-{SPAN}-01-", True),
    ],
)
def test_a_traceparent_is_read(text: str, is_sampled: bool) -> None:
    assert parse_traceparent(text) == RemoteParent(CONTEXT, is_sampled)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "-",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-011",
        f"00-{TRACE}-{SPAN}-01-",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01.more",
        f"01-{TRACE}-{SPAN}-01.more",
        f"01-{TRACE}-{SPAN}-011",
        f"ff-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"0x-{TRACE}-{SPAN}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0G",
        f"0A-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE}0-{SPAN}-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN}0-01",
        f"00_{TRACE}_{SPAN}_01",
        f" 00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01 ",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE[:-1]}\u0660-{SPAN}-01",
        f"00-{TRACE[:-2]}-1-{SPAN}-01",
        f"00-{TRACE[:-1]}g-{SPAN}-01",
        "00-" + "f" * 100_000,
    ],
)
def test_what_is_malformed_is_no_traceparent(text: str) -> None:
    assert parse_traceparent(text) is None


def test_a_span_is_named_to_other_programs_by_a_traceparent() -> None:
    assert format_traceparent(CONTEXT) == f"00-{TRACE}-{SPAN}-01"
    assert format_traceparent(SpanContext(1, 2)) == f"00-{'1'.zfill(32)}-{'2'.zfill(16)}-01"


def test_a_header_counts_where_it_is_the_only_one() -> None:
    header, other = (b"traceparent", f"00-{TRACE}-{SPAN}-01".encode()), (b"host", b"x")
    assert find_traceparent([other, header]) == RemoteParent(CONTEXT, True)
    assert find_traceparent([header, other, header]) is None
    assert find_traceparent([other]) is None
    assert find_traceparent([(b"traceparent", b"\xff\xfe")]) is None
