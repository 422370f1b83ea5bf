"""How long after a webhook works again does whoever was retrying succeed? See docs/benchmarks.md, "Recovery"."""
