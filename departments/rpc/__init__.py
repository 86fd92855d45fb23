"""The gRPC services of a department: each RPC decodes, calls one use case, encodes."""
