"""`python -m departments bar`: hold Ctrl-C back while the program is imported, then run it."""

import signal

from infra.interrupts import hold_interrupts

if __name__ == "__main__":
    hold_interrupts(signal.SIGINT)

    from departments.main import main

    main()
