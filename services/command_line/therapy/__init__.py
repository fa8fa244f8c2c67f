"""How insulin is dosed: advice, boluses, temporary rates, and what a person has set."""
