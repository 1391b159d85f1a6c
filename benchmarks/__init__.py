"""Speed as ratios inside one run: generated code against its floor and named peers."""
