"""Many windows in a row, and one long-lived process of frit's code that gets through each; see docs/benchmarks.md."""
