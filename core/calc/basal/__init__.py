"""`basalt calc basal`: its scenario, its result, its computation."""
