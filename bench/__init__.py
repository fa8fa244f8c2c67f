"""Benchmarks: tables of ratios, measured in one run; no tests."""
