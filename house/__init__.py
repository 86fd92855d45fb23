"""The whole house: what spans the gateway and the departments. `python -m house up` runs it on one machine."""
