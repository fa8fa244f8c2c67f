"""The readings that count now, folded; what both glucose and bolus deciders keep."""
