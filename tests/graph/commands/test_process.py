"""What is large goes back to the system when it is free, whatever came and went before."""

import subprocess
import sys

import pytest

LARGE_THINGS = """
import ctypes
from graph.commands.process import LARGE, fix_large_block_threshold

class Heap(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in (
        "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")]

mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Heap
fix_large_block_threshold()
for _ in range(3):
    del (things := [bytes(size << 20) for size in (20, 1, 10, 1)])[:]
before = mallinfo()
kept = [bytes(LARGE) for _ in range(100)]
after = mallinfo()
print(after.hblks - before.hblks, after.arena - before.arena)
"""


def test_what_is_large_is_mapped_by_itself() -> None:
    command = [sys.executable, "-c", LARGE_THINGS]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    if "mallinfo2" in asked.stderr:
        pytest.skip("another C library")
    assert asked.stdout.split() == ["100", "0"], asked.stderr
