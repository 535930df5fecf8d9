"""Sizes are checked before memory is taken: a small compressed file can unpack to more than the machine has."""

import os


def memory_limit() -> int:
    """Bytes that one data set may take: half of this machine's memory."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):  # not every system tells
        return 8 << 30


def check_size(name: str, size: int) -> None:
    """Refuses to unpack `size` bytes where they do not fit."""
    limit = memory_limit()
    if size > limit:
        raise ValueError(
            f"{name} unpacks to {size / 1e9:,.1f} GB, and this machine can spare {limit / 1e9:,.1f} GB for it. Use fewer rows or columns."
        )
