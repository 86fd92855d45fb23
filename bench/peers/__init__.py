"""What a user would pick instead, as small honest programs: each takes the same orders, and answers line by line."""
