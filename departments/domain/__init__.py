"""What a department decides, in plain Python: no I/O, no asyncio, no wire format."""
