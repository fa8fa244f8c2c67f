"""The process that owns ratios, targets and carbs; advises boluses, turns an accepted advice into an order."""
