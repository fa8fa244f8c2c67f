"""What a person records and is told: readings, carbohydrate, insulin by pen, alarms."""
