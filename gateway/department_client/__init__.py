"""The gateway's side of the department service: calls, batches, deadlines, breaker."""
