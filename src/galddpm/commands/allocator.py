"""How this process asks the system for memory."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc, malloc.h
LARGEST_KEPT = 2**30  # bytes; larger blocks, such as a cache of galaxies, are given back when freed


def keep_freed_memory() -> None:
    """Have glibc keep freed blocks for the next allocation.

    By default it gives large blocks back to the system, so that every step on a CPU has its arrays
    mapped and cleared anew, page by page: up to a third of the time. Other systems are left alone.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # not in every C library
    if mallopt:
        mallopt(M_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
