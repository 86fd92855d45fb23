"""What both programs stand on, and no restaurant is in: settings, database, group commit, gRPC server, logs."""
