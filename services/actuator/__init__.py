"""The process that owns the pump: checks orders, drives the device, counts every pulse."""
