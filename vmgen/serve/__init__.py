"""A guest behind a debugger's protocol, without a machine that runs."""
