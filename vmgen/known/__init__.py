"""Members that a machine type makes constants, and programs in which they are.

:mod:`vmgen.known.members` says which members of a device's object are known for a machine
type that is started without options, :mod:`vmgen.known.constants` puts their values into
the predicates of a program.
"""

from vmgen.known.constants import left_members, read_members, with_constants
from vmgen.known.members import (
    KnownBits,
    KnownMembers,
    MachineFacts,
    moved_members,
    place,
)
from vmgen.known.trimmed import with_needed_facts

__all__ = [
    "KnownBits",
    "KnownMembers",
    "MachineFacts",
    "left_members",
    "moved_members",
    "place",
    "read_members",
    "with_constants",
    "with_needed_facts",
]
