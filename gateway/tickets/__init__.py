"""What the departments' watches tell: kept in memory, and passed on to clients as events."""
