"""Benchmarks and ablation studies for 2D human pose estimation."""

from benchbox.api import compare, read_results, score, table

__version__ = "0.1.0"
__all__ = ["__version__", "compare", "read_results", "score", "table"]
