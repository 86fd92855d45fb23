from grpclib.const import Status

from gateway.department_client.statuses import MAY_SPLIT, MEANINGS, Meaning


def test_every_grpc_status_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Status)
    assert set(MEANINGS.values()) == set(Meaning)


def test_a_batch_is_split_only_where_its_orders_or_its_size_may_be_the_cause() -> None:
    assert {status for status, meaning in MEANINGS.items() if meaning in MAY_SPLIT} == {
        Status.INVALID_ARGUMENT,
        Status.NOT_FOUND,
        Status.ALREADY_EXISTS,
        Status.RESOURCE_EXHAUSTED,
        Status.FAILED_PRECONDITION,
        Status.OUT_OF_RANGE,
    }
