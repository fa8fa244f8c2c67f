"""`basalt calc pulses`: its scenario, its result, its computation."""
