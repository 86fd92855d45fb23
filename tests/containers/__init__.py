"""The system in containers, on a real Docker engine: `just compose-test`."""
