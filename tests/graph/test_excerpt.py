"""Long words of clients: what is looked at, kept and repeated of them is short."""

import ast
import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from graph import excerpt
from graph.languages import negotiate
from graph.limits.answers import LONGEST_REASON
from graph.server.http.media_types import GRAPHQL_RESPONSE, JSON, preferred_type, takes_events
from graph.spoken import translate_message
from tests.graph.socket_client import acknowledged, close_code, receive, subscribing
from tests.served import Served

ROOT = Path(__file__).parents[2] / "graph"
LONG = "a" * 20_000
OTHER = "b" * 20_000
LONGEST_ANSWER = 30_000
"""Bytes of an answer that repeats the words of a client, with ten messages in Norwegian and in English."""

DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "field": (f"{{ {LONG} }}", {}),
    "many fields": ("{ " + " ".join(f"{LONG}{at}" for at in range(30)) + " }", {}),
    "alias": (f"{{ {LONG}: nothing }}", {}),
    "alias of a field that fails": (f"{{ {LONG}: options(first: 1000) {{ totalCount }} }}", {}),
    "argument": (f"{{ options({LONG}: 1) {{ totalCount }} }}", {}),
    "variable": (f"{{ options(first: ${LONG}) {{ totalCount }} }}", {}),
    "unused variable": (f"query(${LONG}: Int) {{ __typename }}", {}),
    "variable without a value": (f"query(${LONG}: Int!) {{ options(first: ${LONG}) {{ totalCount }} }}", {}),
    "values of a variable": (f"query(${LONG}: [ID!]!) {{ nodes(ids: ${LONG}) {{ id }} }}", {LONG: [[1]] * 100}),
    "type": (f"query($a: {LONG}) {{ __typename }}", {}),
    "fragment": (f"{{ ...{LONG} }}", {}),
    "directive": (f"{{ __typename @{LONG} }}", {}),
    "operation": (f"query {LONG} {{ __typename }} query {LONG} {{ __typename }}", {}),
    "fields that do not fit": (f"{{ viewer {{ {LONG}: role }} viewer {{ {LONG}: __typename }} }}", {}),
    "enum": (f"{{ bookings(orderBy: {{field: {LONG}, direction: ASC}}) {{ totalCount }} }}", {}),
    "input field": (f"{{ bookings(filter: {{{LONG}: 1}}) {{ totalCount }} }}", {}),
    "text": (f'{{ options(first: "{LONG}") {{ totalCount }} }}', {}),
    "syntax": (f"{{ a( {LONG} }}", {}),
    "syntax with a text": (f'{{ "{LONG}" }}', {}),
    "NUL in a variable": ("query($a: String) { __typename }", {LONG: {OTHER: ["\0"] * 100}}),
    "NUL in a document": (f'{{ node(id: "a", {LONG}: {{{OTHER}: "\\u0000"}}) {{ id }} }}', {}),
    "name of a variable's field": (
        "query($f: BookingFilter) { bookings(filter: $f) { totalCount } }",
        {"f": {LONG: 1, OTHER: 2}},
    ),
}


def test_long_names_in_a_message_are_cut_and_it_stays_readable() -> None:
    cut = excerpt.message(f"Cannot query field '{LONG}' on type 'Query'. Did you mean `{OTHER}`?")
    assert cut == f"Cannot query field '{'a' * 100}…' on type 'Query'. Did you mean `{'b' * 100}…`?"
    short = "Cannot query field 'nonsense' on type 'Query'. " * 5
    assert excerpt.message(short) == short
    assert len(excerpt.message("many words " * 1000)) == excerpt.LONGEST_MESSAGE
    assert excerpt.path(["a", 3, LONG]) == ["a", 3, "a" * 100 + "…"]


@pytest.mark.parametrize("language", ["en", "nb"])
@pytest.mark.parametrize("kind", DOCUMENTS)
async def test_no_answer_repeats_a_long_word(studio: Served, kind: str, language: str) -> None:
    document, variables = DOCUMENTS[kind]
    headers = {"Authorization": f"Bearer {studio.keys['staff']}", "Accept-Language": language}
    body = {"query": document, "variables": variables}
    response = await studio.http.post(f"{studio.url}/graphql", json=body, headers=headers)
    answer = response.json()
    assert 1 <= len(answer["errors"]) <= 11
    for error in answer["errors"]:
        # In Norwegian graphql-core's own words follow.
        assert len(error["message"]) <= 2 * excerpt.LONGEST_MESSAGE
        assert LONG[:102] not in error["message"]
        assert max((len(each) for each in error.get("path", ()) if isinstance(each, str)), default=0) <= 101
    if answer.get("data") is None:
        assert len(response.content) <= LONGEST_ANSWER


@pytest.mark.parametrize("key", ["staff", None])
async def test_no_answer_repeats_the_name_of_an_operation(studio: Served, key: str | None) -> None:
    headers = {"Authorization": f"Bearer {studio.keys[key]}"} if key else {}
    for name in (LONG, [LONG], {LONG: LONG}):
        body = {"query": "{ __typename }", "operationName": name}
        response = await studio.http.post(f"{studio.url}/graphql", json=body, headers=headers)
        assert response.status_code == 400
        assert len(response.content) <= 500


async def test_a_socket_repeats_no_long_word_either(studio: Served) -> None:
    async with studio.socket(studio.keys["staff"]) as socket:
        await acknowledged(socket)
        for document, variables in DOCUMENTS.values():
            await socket.send(subscribing("1", document, **variables))
            told = await receive(socket)
            if told["type"] == "error":
                assert len(json.dumps(told)) <= LONGEST_ANSWER
            else:
                messages = [each["message"] for each in told["payload"]["errors"]]
                assert max(map(len, messages)) <= excerpt.LONGEST_MESSAGE
                assert (await receive(socket))["type"] == "complete"


def test_only_short_texts_are_remembered() -> None:
    worked: list[str] = []

    @excerpt.remember_short(8)
    def length(text: str) -> int:
        worked.append(text)
        return len(text)

    short, long = "a" * excerpt.LONGEST_KEY, "a" * (excerpt.LONGEST_KEY + 1)
    assert [length(each) for each in (short, short, long, long)] == [200, 200, 201, 201]
    assert worked == [short, long, long]


def test_no_cache_of_the_graph_remembers_texts_of_any_length() -> None:
    """`functools.cache` stands where the keys are types of ours."""
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "functools"
        and "lru_cache" in {each.name for each in node.names}
    ]
    assert found == ["excerpt.py"]


def test_what_was_told_once_takes_no_memory_for_ever() -> None:
    translate_message("warm", "nb")
    gc.collect()
    tracemalloc.start()
    try:
        for at in range(30):
            text = f"{at}{LONG}"
            translate_message(f"Unknown operation named '{text}'.", "nb")
            negotiate(text)
            preferred_type(text)
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10 * len(LONG)


@pytest.mark.parametrize("before", ["x" * excerpt.LONGEST_HEADER + ",", "x," * excerpt.MOST_PARTS])
def test_only_the_beginning_of_a_header_is_looked_at(before: str) -> None:
    assert negotiate("nb" + "," + before) == "nb"
    assert negotiate(before + "nb") == "en"
    assert preferred_type(GRAPHQL_RESPONSE + "," + before) == GRAPHQL_RESPONSE
    assert preferred_type(before + GRAPHQL_RESPONSE) == JSON
    assert takes_events("text/event-stream," + before)
    assert not takes_events(before + "text/event-stream")


def test_a_header_of_any_length_is_split_into_few_parts() -> None:
    assert len(excerpt.parts(",a" * 8000)) == excerpt.MOST_PARTS
    assert sum(map(len, excerpt.parts("a" * 15_000))) == excerpt.LONGEST_HEADER


async def test_the_reason_for_which_a_socket_is_closed_repeats_what_fits(studio: Served) -> None:
    following = subscribing("\u00e5" * 128, "subscription { calendarChanges { cursor } }")
    for sent, code in (([json.dumps({"type": LONG})], 4400), ([following, following], 4409)):
        async with studio.socket(studio.keys["staff"]) as socket:
            await acknowledged(socket)
            for each in sent:
                await socket.send(each)
            assert await close_code(socket) == code
            assert LONGEST_REASON - 3 <= len((socket.close_reason or "").encode()) <= LONGEST_REASON
