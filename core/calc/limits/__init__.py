"""`basalt calc limits`: its scenario, its result, its computation."""
