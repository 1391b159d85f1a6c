"""Which descriptions are registered, by whom, and under which section names."""
