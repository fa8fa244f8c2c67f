"""The decider of actuator: every order against hard limits, the intent before the motor, the
account.
"""
