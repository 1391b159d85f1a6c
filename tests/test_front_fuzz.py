"""C after random changes of its tokens: our errors only, in bounded time and memory."""

from __future__ import annotations

from pathlib import Path

from tests import fuzz_front


def test_changed_tokens_never_end_in_another_error(tmp_path: Path) -> None:
    """``python -m tests.fuzz_front`` runs as long as one likes; here, so many."""
    failed = fuzz_front.run(
        0, 400, seconds=20, megabytes=1024, limit=120, failures=tmp_path
    )
    assert failed == 0
