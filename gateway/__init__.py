"""The gateway: takes orders over REST, writes them down, asks the departments. `python -m gateway` runs it."""
