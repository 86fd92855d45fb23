"""A department: its menu, its stock, its tickets, served over gRPC. `python -m departments bar` runs one."""
