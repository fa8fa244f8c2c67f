"""The process that owns the pump: checks every order, drives the device, accounts for every pulse."""
