"""The stories: one file each, told top-down. Edges call these; these call models and gateways."""
