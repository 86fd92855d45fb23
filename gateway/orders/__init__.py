"""The order path: service, journal, leases, delivery of what is owed."""
