"""The process that owns ratios and targets: advises boluses, orders those accepted."""
