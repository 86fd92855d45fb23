"""The metrics as operators use them: rules, runbooks, dashboard, and a real Prometheus on a running system."""
