"""What can be said of basal insulin."""
