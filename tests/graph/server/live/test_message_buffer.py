"""What a group keeps of what it said: never less than a member needs, and never more than its bounds."""

from hypothesis import given
from hypothesis import strategies as st

from graph.server.live.message_buffer import KEPT, KEPT_BYTES, Message, MessageBuffer, Room

SIZES = st.lists(st.sampled_from([1, 10, 100, KEPT_BYTES // 3, KEPT_BYTES * 2]), max_size=20)


def said(count: int, first: int = 1, size: int = 10) -> list[Message]:
    """So many messages, one after the other."""
    return [Message(b"x" * size, position) for position in range(first, first + count)]


def after(backlog: MessageBuffer, position: int) -> list[Message]:
    """All that was said after a position."""
    found = []
    while (message := backlog.after(position)) is not None:
        found.append(message)
        position = message.position
    return found


def test_of_a_log_the_newest_are_kept() -> None:
    backlog = MessageBuffer(0, Room(), has_states=False)
    messages = said(KEPT + 50)
    for message in messages:
        backlog.add(message)
    assert not backlog.covers(49)
    assert backlog.covers(50)
    assert after(backlog, 50) == messages[50:]
    assert after(backlog, KEPT + 50) == []
    assert backlog.covers(10**6)


def test_before_anything_was_said_it_has_all_from_where_it_began() -> None:
    backlog = MessageBuffer(7, Room(), has_states=False)
    assert backlog.covers(7)
    assert backlog.covers(8)
    assert not backlog.covers(6)
    assert after(backlog, 7) == []


@given(SIZES, st.integers(0, 25))
def test_whoever_it_covers_misses_nothing_and_bytes_are_bounded(sizes: list[int], position: int) -> None:
    backlog = MessageBuffer(0, Room(), has_states=False)
    messages = [Message(b"x" * size, number) for number, size in enumerate(sizes, 1)]
    for message in messages:
        backlog.add(message)
    kept = after(backlog, -1)
    assert sum(len(each.payload) for each in kept) <= KEPT_BYTES or len(kept) == 1
    assert kept[-1:] == messages[-1:]
    if backlog.covers(position):
        assert after(backlog, position) == [each for each in messages if each.position > position]
    else:
        assert messages[position : len(messages) - len(kept)], "it says that something is lost only when it is"


@given(st.lists(st.tuples(st.sampled_from("abc"), st.binary(max_size=3)), max_size=30), st.integers(-1, 30))
def test_of_states_the_latest_of_each_topic_is_all_there_is(told: list[tuple[str, bytes]], position: int) -> None:
    backlog = MessageBuffer(-1, Room(), has_states=True)
    for number, (topic, payload) in enumerate(told):
        backlog.add(Message(payload, number, topic))
    assert backlog.covers(position)
    # Whoever knew everything up to a position, and takes what is after it, knows how everything is now.
    known = dict(told[: position + 1])
    known.update({str(each.topic): each.payload for each in after(backlog, position)})
    assert known == dict(told)
    positions = [each.position for each in after(backlog, position)]
    assert positions == sorted(positions)


def test_all_logs_of_a_process_have_so_much_room_together_and_no_more() -> None:
    room = Room(100)
    one, other = MessageBuffer(0, room, has_states=False), MessageBuffer(0, room, has_states=False)
    for message in said(8):
        one.add(message)
    for message in said(8):
        other.add(message)
    assert room.used <= 100
    assert after(one, 0) == said(8)
    assert after(other, other.first) == said(2, first=7)
    one.close()
    assert room.used == 20
    for message in said(3, first=9):
        other.add(message)
    assert after(other, other.first) == said(5, first=7)


def state(position: int, topic: str | None = None, size: int = 100) -> Message:
    """How it is with a topic."""
    return Message(b"x" * size, position, topic)


def test_of_states_nothing_is_kept_that_nobody_lacks() -> None:
    room = Room()
    backlog = MessageBuffer(-1, room, has_states=True)
    for position, topic in enumerate(["a", "b", "a", "c"]):
        backlog.add(state(position, topic))
    assert ([each.position for each in after(backlog, -1)], room.used) == ([1, 2, 3], 300)
    backlog.forget(2)
    assert ([each.position for each in after(backlog, -1)], room.used, backlog.newest) == ([3], 100, 3)
    backlog.forget(3)
    assert (after(backlog, -1), room.used) == ([], 0)


def test_the_one_state_goes_when_there_is_no_room() -> None:
    room = Room(150)
    one, two = (MessageBuffer(-1, room, has_states=True) for _ in range(2))
    one.add(state(0))
    one.make_room()
    assert len(after(one, -1)) == 1
    two.add(state(0))
    two.make_room()
    assert (after(two, -1), two.newest, room.used) == ([], 0, 100)
    one.close()
    one.forget(0)
    assert room.used == 0
