"""HTTP servers of the standard library, in a thread of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import HTTPServer
from threading import Thread

LOOK_SECONDS = 0.01
"""How often a server looks whether it is to stop."""


@contextmanager
def serving(server: HTTPServer) -> Iterator[None]:
    """Let a server respond until the body ends, and close it."""
    with server:
        thread = Thread(target=server.serve_forever, args=(LOOK_SECONDS,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
