"""What advisor, actuator and pump must agree on: signatures, deadlines, plan names."""
