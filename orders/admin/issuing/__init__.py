"""The desks of what we issue: numbers, issuances and holds."""
