"""The decider of bolus_advisor: carbs, advice log, orders and their signature."""
