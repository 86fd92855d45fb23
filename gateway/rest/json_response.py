"""A response of JSON that costs an order less than Litestar's own class."""

from typing import TypeVar

from litestar import Response

T = TypeVar("T")


class JsonResponse(Response[T]):
    """A Litestar response of a status and headers alone.

    Litestar's constructor compares what it is given with abstract types of `typing`: 1.4 µs, and this one 0.2.
    """

    def __init__(self, content: T, status_code: int, headers: dict[str, str]) -> None:
        """Set what Litestar's constructor sets."""
        self.content = content
        self.status_code = status_code
        self.headers = headers
        self.background = self.media_type = None
        self.cookies = []
        self.encoding = "utf-8"
        self.response_type_encoders = {}
