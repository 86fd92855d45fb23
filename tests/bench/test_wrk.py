import pytest

from bench.wrk import Load, WrkFailed, parse, together

OUTPUT = """Running 2s test @ http://127.0.0.1:15000/orders
  1 threads and 64 connections
  5004 requests in 2.00s, 1.30MB read
  Non-2xx or 3xx responses: 4
RESULT {"answers":5004,"microseconds":2000000,"not_created":4,\
"steady":3700,"warm_up":0.5,"connect":0,"read":2,"write":0,"timeout":1,\
"percentiles":[[50,12000],[99,41500],[100,60250]]}
"""


def test_what_is_not_201_is_an_error_and_no_order() -> None:
    load = parse(OUTPUT)
    assert load.orders == 5000
    assert load.errors == {"not 201": 4, "read": 2, "timeout": 1}


def test_times_are_seconds_and_milliseconds() -> None:
    load = parse(OUTPUT)
    assert (load.seconds, load.steady_seconds) == (2.0, 1.5)
    assert load.latencies == {50: 12.0, 99: 41.5, 100: 60.25}


def test_a_wrk_that_wrote_no_result_has_failed() -> None:
    with pytest.raises(WrkFailed, match="unable to connect"):
        parse("unable to connect to 127.0.0.1:15000 Connection refused")


def test_loads_side_by_side_add_up_and_the_worst_percentile_stands() -> None:
    first = Load(100, 2.0, 80, 1.5, {50: 1.0, 99: 9.0}, {"read": 1})
    second = Load(300, 2.1, 200, 1.6, {50: 2.0, 99: 5.0}, {"not 201": 2})
    assert together([first, second]) == Load(400, 2.1, 280, 1.6, {50: 2.0, 99: 9.0}, {"read": 1, "not 201": 2})
