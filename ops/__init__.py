"""The whole house: what spans the gateway and the departments. `python -m ops up` runs it on one machine."""
