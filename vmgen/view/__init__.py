"""Answers and streams as HTML pages: one file each, without a network.

What they show comes from streams and C of strangers.  Templates escape it, data is JSON that
no browser runs, and a content security policy names the only script and the only style.
"""
