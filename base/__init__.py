"""Floor 0: what every room may use. Imports nothing of ours."""
