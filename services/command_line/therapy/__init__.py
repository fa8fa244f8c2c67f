"""What a person does: readings, boluses, rates, settings."""
