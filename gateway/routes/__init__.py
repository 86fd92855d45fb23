"""The REST endpoints, a few lines each: decode, call one use case, encode."""
