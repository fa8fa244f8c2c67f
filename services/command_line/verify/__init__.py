"""The record held against itself."""
