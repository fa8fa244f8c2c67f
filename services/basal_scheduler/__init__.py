"""The process that owns basal profiles and temporary rates; says the basal plan."""
