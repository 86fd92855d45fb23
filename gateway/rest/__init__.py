"""The REST API: routes, fast path, JSON bodies, problems, description."""
