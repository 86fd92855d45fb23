"""structlog as tests leave it: on the terminal, with Python's own tracebacks.

Its defaults draw each traceback with rich, where that is installed, which takes some 40 ms a traceback.
"""

import structlog


def log_plainly() -> None:
    """Undo what a test has configured."""
    structlog.reset_defaults()
    *others, _ = structlog.get_config()["processors"]
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*others, renderer])
