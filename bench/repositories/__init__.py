"""Reading package repositories, large ones and many at once. See docs/benchmarks.md, "Repositories"."""
