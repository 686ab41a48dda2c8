"""Cards on reserved numbers: drafted, approved, created, proven in doubt, read ever after."""
