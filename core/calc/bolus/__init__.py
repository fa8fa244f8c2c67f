"""`basalt calc bolus`: its scenario, its result, its computation."""
