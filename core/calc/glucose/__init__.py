"""`basalt calc glucose`: its scenario, its result, its computation."""
