"""The gRPC services of a department: decode, call one use case, encode."""
