"""A department's decisions, in plain Python: no I/O, no asyncio, no wire format."""
