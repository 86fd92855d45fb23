"""`python -m gateway`: hold Ctrl-C back while the program is imported, then run it."""

import signal

from infra.imports import leave_rich_out, without_collecting
from infra.interrupts import hold_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT)
    leave_rich_out()
    with without_collecting():
        from gateway.main import main

    main()
