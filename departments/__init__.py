"""A department: its menu, its stock and its tickets, served over gRPC. `python -m departments bar` runs the bar."""
