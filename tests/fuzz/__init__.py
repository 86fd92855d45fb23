"""Random and mutated input: over the REST API's own description, and as frames and messages at a department."""
