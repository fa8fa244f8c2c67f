"""Bytes, headers and subjects."""
