"""gRPC servers and channels, guarded against peers that misbehave or vanish."""
