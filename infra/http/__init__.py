"""The HTTP protocol under the gateway: guard, request ids, access log."""
