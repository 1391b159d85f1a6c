"""How the tests run: hypothesis profiles, and what is missing from the machine."""

from __future__ import annotations

import os

from hypothesis import settings

# In CI the same examples every time: a finding there can be repeated anywhere.
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")
