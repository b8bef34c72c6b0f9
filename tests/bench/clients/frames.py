"""WebSocket frames (RFC 6455) as a client writes and reads them: bytes in, bytes out, no connection."""

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10

_UNMASKED = bytes(4)
"""A mask of zeros is valid and costs nothing."""


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One final, masked frame."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 1 << 16:
        length = b"\xfe" + size.to_bytes(2, "big")
    else:
        length = b"\xff" + size.to_bytes(8, "big")
    return bytes([0x80 | opcode]) + length + _UNMASKED + payload


def frame_in(data: bytes, begin: int) -> tuple[int, int, int] | None:
    """The unmasked frame that begins there: its opcode, and where its payload begins and ends; None: not all here."""
    here = len(data)
    if here - begin < 2:
        return None
    size, start = data[begin + 1], begin + 2
    if size == 126:
        start += 2
        size = int.from_bytes(data[begin + 2 : start], "big")
    elif size == 127:
        start += 8
        size = int.from_bytes(data[begin + 2 : start], "big")
    end = start + size
    return (data[begin] & 15, start, end) if start <= here and end <= here else None
