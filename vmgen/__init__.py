"""vmgen: QEMU's VMState tables, read from C, written as byte-exact Python."""

__version__ = "0.1.0"
