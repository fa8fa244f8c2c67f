"""The record read again: fold, snapshots, lookup, fork."""
