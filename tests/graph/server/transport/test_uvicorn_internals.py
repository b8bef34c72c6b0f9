"""uvicorn still calls what its protocols, its server and its state of connections are overridden in."""

import inspect

import pytest

from graph.commands.serve import _Server
from graph.server.transport.connection import Connection, Connections
from graph.server.transport.frames import Frames

OURS = {
    Connection: {"look", "until_writable"},
    Frames: {"trust", "until_writable", "waiting", "write_text"},
    Connections: {"keep", "look", "unread", "wait_for"},
    _Server: set[str](),
}


@pytest.mark.parametrize("kind", OURS, ids=[each.__name__ for each in OURS])
def test_what_is_overridden_is_there(kind: type) -> None:
    public = {name for name, value in vars(kind).items() if inspect.isfunction(value) and not name.startswith("_")}
    overridden = {name for name in public if any(hasattr(each, name) for each in kind.__bases__)}
    # httptools calls it by its name, where a protocol has it.
    parsed = {"on_chunk_header"} if kind is Connection else set()
    assert public - overridden == OURS[kind] | parsed
