"""Memory and registers that another tool wrote, put into a stream that QEMU resumes."""
