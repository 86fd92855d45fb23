"""Loads structlog without rich, where that is installed: a composition root's first import.

structlog takes rich to colour tracebacks, which are plain here (see logs.py). With Pygments, which comes with it, that
is 7 MB of a program that runs for months. Whoever wants rich for itself can still import it.
"""

import sys

_RICH = "rich"

if _RICH not in sys.modules:
    sys.modules[_RICH] = None  # type: ignore[assignment]
    import structlog  # noqa: F401 - for its own modules' sake

    del sys.modules[_RICH]
