"""The five deciders, one folder each, and their registry; none imports another."""
