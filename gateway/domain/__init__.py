"""What the gateway decides, in plain Python: no I/O, no asyncio, no wire format."""
