"""The gateway's client of the department service: calls, batches, deadlines, breaker."""
