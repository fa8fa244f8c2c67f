"""The process that hears readings from meters and sensors; says what was measured."""
