"""What may come next on both sides, one rule each.

A rule gets the source's and the target's place and the state, and says what comes of it,
or None where it does not apply.
"""
