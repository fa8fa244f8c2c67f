"""The simulated pump's firmware: a pure machine with registers and history (the other side of the
wire).
"""
