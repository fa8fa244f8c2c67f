"""The record held against itself, proven and archived."""
