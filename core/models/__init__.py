"""Arithmetic that knows no decider: carbohydrate, forecasts, schedules, pulses, what each pump can
do.
"""
