"""Damaged streams, given to real QEMU and to ``vmgen stream explain --like``::

    python -m tests.differential --mutations 3000 --folder differential

Fresh machines of many targets are saved, their streams are changed in one place each, and
both say whether they take the result.  The folder keeps the streams and what QEMU said,
so that a second run asks vmgen alone; without one everything is made anew.
"""
