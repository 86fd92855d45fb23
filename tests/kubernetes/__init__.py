"""The Helm chart: rendered by Helm's library, and validated by Kubernetes' own schemas."""
