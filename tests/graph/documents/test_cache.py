"""Documents are remembered as long as their bytes allow, and read once a sender."""

import asyncio
import gc
import tracemalloc

from graph.documents.cache import LONGEST, SHORT, Documents
from graph.documents.document import BYTES_PER_CHARACTER, Document
from graph.limits.turns import Holder
from graph.schema import schema

ONE = "{ viewer { role } }"


def texts(count: int) -> list[str]:
    """Documents that differ."""
    return [f"{{ viewer {{ a{number}: role }} }}" for number in range(count)]


async def checked(documents: Documents, text: str) -> Document:
    """A document of which it is known whether it is valid."""
    return await documents.checked(await documents.parsed(text, Holder("x")), schema.core, Holder("x"))


async def test_those_asked_for_last_are_remembered() -> None:
    documents, few = Documents(kept_bytes=20_000), texts(40)
    first = await checked(documents, few[0])
    size = first.size
    fit = 20_000 // size
    for text in few[1:fit]:
        await checked(documents, text)
    assert documents.find(few[0]) is first
    await checked(documents, few[fit])
    assert documents.find(few[0]) is first
    assert documents.find(few[1]) is None


async def test_what_is_worked_out_from_a_document_counts_among_its_bytes() -> None:
    documents, (one, other) = Documents(kept_bytes=20_000), texts(2)
    first, second = await checked(documents, one), await checked(documents, other)
    documents.grow(second, 17_000)
    assert documents.find(one) is None
    assert documents.bytes == second.size < 20_000
    # One that is forgotten already takes no room.
    documents.grow(first, 10**9)
    assert documents.find(other) is second


async def test_a_document_that_is_too_long_is_not_remembered() -> None:
    documents = Documents()
    await checked(documents, "#" * LONGEST + ONE)
    assert documents.find("#" * LONGEST + ONE) is None
    assert documents.bytes == 0


async def test_a_document_takes_no_more_memory_than_it_is_counted_as() -> None:
    documents, texts_ = Documents(), []
    for number in range(40):
        fields = " ".join(f"p{number}_{at}: id name kind color timeZone active" for at in range(40))
        texts_.append(f"{{ options(first: 1) {{ nodes {{ {fields} }} }} }}")
    gc.collect()
    tracemalloc.start()
    try:
        for text in texts_:
            await checked(documents, text)
        gc.collect()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken <= documents.bytes
    assert documents.bytes <= 40 * (1000 + BYTES_PER_CHARACTER * max(map(len, texts_)))


async def test_long_documents_are_read_one_at_a_time_and_each_senders_in_turn() -> None:
    documents, order = Documents(), list[str]()
    running = most = 0

    def work(sender: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        order.append(sender)
        running -= 1

    async with asyncio.timeout(10):
        await asyncio.gather(*(documents.in_turn(Holder(sender), work, sender) for sender in "aaab"))
    assert (most, sorted(order)) == (1, [*"aaab"])
    assert order.index("b") < 3


async def test_a_long_document_is_found_as_a_short_one_is() -> None:
    documents = Documents()
    for text in (ONE, "#" * SHORT + "\n" + ONE):
        document = await checked(documents, text)
        assert document.errors == []
        assert documents.find(text) is document
        assert document.operation(None) is not None
