"""Tables that exist in tests only: something to seal, something to protect."""
