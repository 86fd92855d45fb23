"""Commands for the gateway and the departments together: `python -m ops up` runs all of them on one machine."""
