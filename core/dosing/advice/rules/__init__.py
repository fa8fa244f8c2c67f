"""Bolus formulas of the field, one module each, in one shape."""
