"""Floor 1: how to talk to a cluster."""
