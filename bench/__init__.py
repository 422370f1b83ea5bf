"""Measures frit beside what people script today, on a real cluster; see docs/benchmarks.md."""
