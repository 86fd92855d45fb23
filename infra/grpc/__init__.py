"""gRPC servers and channels on grpclib, with limits against peers that misbehave or disappear."""
