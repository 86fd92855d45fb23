"""The limits of one request to a department."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Lengths count characters of normalisation form C; prices are in minor units.

    A batch is one call, or one message of a stream.
    """

    lines_per_order: int = 50
    quantity: int = 1000
    price: int = 1_000_000_000
    stock: int = 1_000_000_000
    number: int = 999_999_999
    note_length: int = 200
    table_length: int = 40
    item_length: int = 64
    name_length: int = 64
    step_id_length: int = 64
    change_id_length: int = 64
    reason_length: int = 200
    orders_per_batch: int = 1000
    tickets_per_page: int = 500
    moves_per_call: int = 100
    changes_per_page: int = 500
