"""What both programs use and what knows nothing of restaurants: settings, databases, group commit, gRPC, HTTP, logs."""
