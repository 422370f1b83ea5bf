"""Floor 4: from a fresh cluster to a ready one. Configuration, preflight, stages, report."""
