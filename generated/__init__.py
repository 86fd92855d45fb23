"""Written by `just gen` from proto/; nobody edits it."""
