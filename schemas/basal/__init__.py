"""Messages about basal insulin."""
