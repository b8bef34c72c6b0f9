"""`bookings`: what each filter finds, in which order, page by page, while others book and cancel."""

from typing import Any

import pytest

from tests.graph.shop import KARI, OLA, Shop, at, codes, furnish, graphql_codes
from tests.operations import operations

ASE = {"name": "Åse Kari Berg-Ødegård", "email": "post@berg.example", "phone": None}
LIST = """
    query($filter: BookingFilter, $first: Int!, $after: String, $orderBy: BookingOrder) {
        bookings(filter: $filter, first: $first, after: $after, orderBy: $orderBy) {
            totalCount
            nodes { id start createdAt updatedAt }
            edges { cursor node { id } }
            pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        }
    }
"""


async def page(shop: Shop, first: int = 100, after: str | None = None, **more: Any) -> Any:
    """One page of a list; fails on GraphQL errors and on a page that contradicts itself."""
    variables = {"first": first, "after": after, **more}
    answer = (await shop.served.send(LIST, shop.served.keys["staff"], variables)).json()
    assert "errors" not in answer, answer
    found = answer["data"]["bookings"]
    assert [edge["node"]["id"] for edge in found["edges"]] == [node["id"] for node in found["nodes"]]
    ends = [found["edges"][0]["cursor"], found["edges"][-1]["cursor"]] if found["edges"] else [None, None]
    assert [found["pageInfo"]["startCursor"], found["pageInfo"]["endCursor"]] == ends
    return found


async def ids(shop: Shop, **more: Any) -> list[str]:
    """The ids of a list, in order, all on one page."""
    found = await page(shop, **more)
    assert (found["pageInfo"]["hasNextPage"], found["totalCount"]) == (False, len(found["nodes"]))
    return [node["id"] for node in found["nodes"]]


async def book(shop: Shop, clock: str, **more: Any) -> str:
    """Books Anna unless `more` says otherwise: the id."""
    return str((await shop.booked(at(clock), **{"optionId": shop.anna, **more}))["booking"]["id"])


async def cancel(shop: Shop, booking: str) -> None:
    """Calls a booking off, by staff."""
    assert (await shop.served.do("CancelBooking", "staff", input={"bookingId": booking}))["errors"] == []


async def test_a_booking_is_listed_with_all_that_an_integrator_asks_for(each_shop: Shop) -> None:
    shop = each_shop
    made = (await shop.booked(at("10:00"), optionId=shop.anna, customer=OLA))["booking"]
    answer = await shop.served.do("Bookings", "staff", first=10)
    (edge,) = answer["edges"]
    node = edge["node"]
    assert node == {
        "id": made["id"],
        "reference": made["reference"],
        "status": "CONFIRMED",
        "start": at("10:00"),
        "end": at("11:00"),
        "createdAt": node["createdAt"],
        "updatedAt": node["createdAt"],
        "option": {"id": shop.anna, "name": "Anna"},
        "service": {"id": shop.haircut, "name": "Haircut"},
        "customer": OLA,
        "history": [{**node["history"][0], "action": "CREATED"}],
    }
    ends = {"startCursor": edge["cursor"], "endCursor": edge["cursor"]}
    assert answer["pageInfo"] == {"hasNextPage": False, "hasPreviousPage": False, **ends}
    assert answer["totalCount"] == 1


async def test_filters_by_option_service_and_status_take_what_fits_all_of_them(each_shop: Shop) -> None:
    shop = each_shop
    first, second = await book(shop, "09:00"), await book(shop, "10:00", optionId=shop.ben)
    third, fourth = await book(shop, "12:00", serviceId=shop.colouring), await book(shop, "15:00")
    await cancel(shop, fourth)
    cases: tuple[tuple[dict[str, Any], list[str]], ...] = (
        ({}, [first, second, third, fourth]),
        ({"optionIds": [shop.anna]}, [first, third, fourth]),
        ({"optionIds": [shop.ben, shop.anna, shop.ben]}, [first, second, third, fourth]),
        ({"serviceIds": [shop.colouring]}, [third]),
        ({"serviceIds": [shop.colouring, shop.haircut], "optionIds": [shop.ben]}, [second]),
        ({"serviceIds": [shop.colouring], "optionIds": [shop.ben]}, []),
        ({"statuses": ["CANCELLED"]}, [fourth]),
        ({"statuses": ["CONFIRMED", "NO_SHOW"]}, [first, second, third]),
        ({"statuses": ["COMPLETED"]}, []),
        ({"statuses": ["CONFIRMED"], "optionIds": [shop.anna], "serviceIds": [shop.haircut]}, [first]),
        (
            {"optionIds": None, "serviceIds": None, "statuses": None, "from": None, "query": None},
            [first, second, third, fourth],
        ),
    )
    for chosen, expected in cases:
        assert await ids(shop, filter=chosen) == expected, chosen
    assert await ids(shop, filter=None) == [first, second, third, fourth]


async def test_statuses_follow_the_booking(shop: Shop) -> None:
    past = (await shop.booked(at("10:00", -21), "staff", overrideRules=True))["booking"]["id"]
    for status in ("COMPLETED", "CONFIRMED", "NO_SHOW"):
        change = {"bookingId": past, "status": status}
        assert (await shop.served.do("UpdateBooking", "staff", input=change))["errors"] == []
        assert await ids(shop, filter={"statuses": [status]}) == [past]
    assert await ids(shop, filter={"statuses": ["COMPLETED", "CONFIRMED", "CANCELLED"]}) == []


async def test_from_and_to_select_what_overlaps_them(shop: Shop) -> None:
    early, late = await book(shop, "10:00"), await book(shop, "14:00")
    cases: tuple[tuple[str | None, str | None, list[str]], ...] = (
        (at("10:00"), at("15:00"), [early, late]),
        (at("10:59"), at("14:01"), [early, late]),
        (at("11:00"), at("14:00"), []),
        (at("10:30"), at("10:31"), [early]),
        (at("11:00"), None, [late]),
        (at("10:59"), None, [early, late]),
        (None, at("14:00"), [early]),
        (None, at("10:00"), []),
        (at("15:00"), None, []),
        (at("00:00", -9000), at("00:00", 9000), [early, late]),
    )
    for begin, end, expected in cases:
        assert await ids(shop, filter={"from": begin, "to": end}) == expected, (begin, end)


async def test_a_customers_mail_address_finds_that_customers_bookings(shop: Shop) -> None:
    karis = [await book(shop, "09:00"), await book(shop, "10:00", optionId=shop.ben)]
    await book(shop, "12:00", customer=OLA)
    await book(shop, "13:00", customer={"name": "kari@example.no"})
    assert await ids(shop, filter={"customerEmail": "kari@example.no"}) == karis
    for none in ("kari@example.n", "ari@example.no", "kari", "%", "nobody@example.no", "' OR 1=1 --"):
        assert await ids(shop, filter={"customerEmail": none}) == [], none


QUERIES = (
    ("Kari", "kari ase"),
    ("kar", "kari ase"),
    ("KARI", "kari ase"),
    ("ari", ""),
    ("nordmann", "kari"),
    ("kari nord", "kari"),
    ("nord kari", "kari"),
    ("kari hansen", ""),
    ("  kari \t nord  ", "kari"),
    ("kari@example.no", "kari"),
    ("KARI@Example.No", "kari"),
    ("ola@ex", "ola"),
    ("post@", "ase"),
    ("åse", "ase"),
    ("ÅSE ber", "ase"),
    ("Berg-Ø", "ase"),
    ("nobody", ""),
    ("kari nobody", ""),
    ("Haircut", ""),
    ("Anna", ""),
    ("%", ""),
    ("kar%", ""),
    ("k_ri", ""),
    ("*", ""),
    ("' OR 1=1 --", ""),
    ('"kari', "?"),
    ("kari:*", "?"),
    ("kari & (", "?"),
    ("\\", ""),
    ("👩🏽‍⚕️", ""),
)
"""What is typed, and whose bookings it finds; `?`: words or signs, as one likes."""


async def test_a_query_finds_beginnings_of_words_all_of_them(each_shop: Shop) -> None:
    shop = each_shop
    bookings = {
        await book(shop, "09:00", customer=KARI): "kari",
        await book(shop, "10:00", customer=OLA): "ola",
        await book(shop, "11:00", customer=ASE): "ase",
    }
    found = {}
    for query, _ in QUERIES:
        found[query] = " ".join(bookings[each] for each in await ids(shop, filter={"query": query}))
    assert {query: found[query] for query, names in QUERIES if names != "?" and found[query] != names} == {}
    assert "ola" not in " ".join(found[query] for query, names in QUERIES if names == "?")


async def test_either_part_of_a_hyphenated_name_is_a_word(shop: Shop) -> None:
    booking = await book(shop, "10:00", customer=ASE)
    for word in ("berg", "berg-ø", "ødeg", "kari ødegård"):
        assert await ids(shop, filter={"query": word}) == [booking], word


async def test_a_word_may_be_longer_than_any_name(each_shop: Shop) -> None:
    shop = each_shop
    booking = await book(shop, "10:00", customer={"name": "x" * 100})
    for length in (10, 63, 64, 65, 100):
        assert await ids(shop, filter={"query": "x" * length}) == [booking], length
        assert await ids(shop, filter={"query": "x" * length + " ø"}) == [], length
        assert await ids(shop, filter={"query": "y" * length}) == [], length
    # Of very long words the beginning decides.
    answer = await shop.served.ask("Bookings", "staff", first=10, filter={"query": "x" * 100_000})
    assert graphql_codes(answer) in ([], ["BAD_USER_INPUT"])


async def test_a_query_finds_a_reference_from_its_beginning_however_it_is_typed(each_shop: Shop) -> None:
    shop = each_shop
    made = [(await shop.booked(at("10:00")))["booking"] for _ in range(2)]
    mine = made[0]["reference"]
    bare = mine.replace("-", "")
    for typed in (mine, bare, mine.lower(), bare.lower(), mine[:-1], bare[:-1], f"{mine} kari", f" {bare} nordm"):
        assert await ids(shop, filter={"query": typed}) == [made[0]["id"]], typed
    for typed in (f"{mine}X", bare[1:], f"{mine} ola", f"{mine} {made[1]['reference']}"):
        assert await ids(shop, filter={"query": typed}) == [], typed


async def test_a_query_looks_at_the_customer_as_it_is_now_and_at_nothing_else(each_shop: Shop) -> None:
    shop = each_shop
    booking = await book(shop, "10:00", note="Allergic to lavender")
    for none in ("lavender", "Haircut", "Anna", KARI["phone"]):
        assert await ids(shop, filter={"query": none}) == [], none
    change = {"bookingId": booking, "customer": {"name": "Ola Hansen", "email": None}}
    assert (await shop.served.do("UpdateBooking", "staff", input=change))["errors"] == []
    assert [await ids(shop, filter={"query": word}) for word in ("kari", "kari@example.no")] == [[], []]
    assert await ids(shop, filter={"customerEmail": "kari@example.no"}) == []
    await cancel(shop, booking)
    assert await ids(shop, filter={"query": "hansen"}) == [booking]
    assert await ids(shop, filter={"query": "hansen", "statuses": ["CONFIRMED"]}) == []


@pytest.mark.parametrize("field", ["START", "CREATED_AT", "UPDATED_AT"])
async def test_a_list_is_ordered_by_each_field_both_ways(each_shop: Shop, field: str) -> None:
    shop = each_shop
    booked = [await book(shop, clock) for clock in ("12:00", "09:00", "15:00")]
    same = [await book(shop, clock, optionId=shop.ben) for clock in ("12:00", "09:00")]
    await cancel(shop, booked[1])
    ascending = await page(shop, orderBy={"field": field, "direction": "ASC"})
    descending = await page(shop, orderBy={"field": field, "direction": "DESC"})
    key = {"START": "start", "CREATED_AT": "createdAt", "UPDATED_AT": "updatedAt"}[field]
    values = [node[key] for node in ascending["nodes"]]
    assert values == sorted(values)
    found = [node["id"] for node in ascending["nodes"]]
    assert sorted(found) == sorted([*booked, *same])
    assert [node["id"] for node in descending["nodes"]] == found[::-1]
    if field == "CREATED_AT":
        assert found == [*booked, *same]
    if field == "UPDATED_AT":
        assert found[-1] == booked[1]

    for whole, direction in ((found, "ASC"), (found[::-1], "DESC")):
        walked, after = [], None
        for _ in whole:
            step = await page(shop, 1, after, orderBy={"field": field, "direction": direction})
            walked += [node["id"] for node in step["nodes"]]
            after = step["pageInfo"]["endCursor"]
        assert (walked, step["pageInfo"]["hasNextPage"]) == (whole, False)


async def test_left_out_the_order_is_by_start(shop: Shop) -> None:
    late, early = await book(shop, "14:00"), await book(shop, "09:00")
    assert await ids(shop) == [early, late]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_pages_neither_skip_nor_repeat_while_bookings_come_and_go(each_shop: Shop, direction: str) -> None:
    shop = each_shop
    made = [
        await book(shop, f"{hour:02}:00", optionId=option) for hour in range(9, 13) for option in (shop.anna, shop.ben)
    ]
    order = {"field": "START", "direction": direction}
    whole = await ids(shop, orderBy=order)
    assert sorted(whole) == sorted(made)

    seen: list[str] = []
    after, more, rounds = None, True, 0
    while more:
        found = await page(shop, 3, after, orderBy=order)
        assert found["pageInfo"]["hasPreviousPage"] is (after is not None)
        seen += [node["id"] for node in found["nodes"]]
        after, more = found["pageInfo"]["endCursor"], found["pageInfo"]["hasNextPage"]
        # Before and behind where the reader is; and what was read last is called off.
        await shop.booked(at("13:00", rounds - 7), "staff", overrideRules=True)
        await shop.booked(at("15:00", rounds), "staff")
        await cancel(shop, seen[-1])
        rounds += 1
    assert rounds >= 3
    assert len(seen) == len(set(seen))
    assert [each for each in seen if each in made] == whole


async def test_a_list_goes_on_after_a_booking_that_no_longer_fits_it(shop: Shop) -> None:
    made = [await book(shop, f"{hour:02}:00") for hour in range(9, 14)]
    chosen = {"statuses": ["CONFIRMED"], "optionIds": [shop.anna]}
    first = await page(shop, 2, filter=chosen)
    assert first["totalCount"] == 5
    await cancel(shop, made[1])
    move = {"bookingId": made[0], "start": at("16:00")}
    assert (await shop.served.do("RescheduleBooking", "staff", input=move))["errors"] == []
    rest = await page(shop, 2, first["pageInfo"]["endCursor"], filter=chosen)
    assert [node["id"] for node in rest["nodes"]] == made[2:4]
    assert (rest["totalCount"], rest["pageInfo"]["hasNextPage"]) == (4, True)


async def test_a_page_has_at_most_a_hundred_and_may_be_empty(shop: Shop) -> None:
    await book(shop, "10:00")
    empty = await page(shop, 0)
    assert (empty["nodes"], empty["totalCount"]) == ([], 1)
    last = (await page(shop))["pageInfo"]["endCursor"]
    beyond = await page(shop, 100, last)
    ends = {"startCursor": None, "endCursor": None}
    assert (beyond["nodes"], beyond["pageInfo"]) == ([], {"hasNextPage": False, "hasPreviousPage": True, **ends})
    for first in (101, -1, 2**31 - 1):
        answer = await shop.served.ask("Bookings", "staff", first=first)
        assert graphql_codes(answer) == ["BAD_USER_INPUT"], first


async def test_what_is_no_cursor_of_this_list_is_bad_input(shop: Shop) -> None:
    await book(shop, "10:00")
    real = (await page(shop))["pageInfo"]["endCursor"]
    answer = await shop.served.send("{ options { pageInfo { endCursor } } }", shop.served.keys["staff"])
    options = answer.json()["data"]["options"]["pageInfo"]["endCursor"]
    wrong = ("nonsense", "", "ø", real[: len(real) // 2], "=" * 9, "W10=", "bnVsbA==", "x" * 5000, options)
    for after in wrong:
        for more in ({}, {"orderBy": {"field": "CREATED_AT", "direction": "DESC"}}):
            answer = await shop.served.send(LIST, shop.served.keys["staff"], {"first": 1, "after": after, **more})
            assert graphql_codes(answer.json()) == ["BAD_USER_INPUT"], after


async def test_staff_may_look_and_customers_may_not(shop: Shop) -> None:
    await book(shop, "10:00")
    for role, expected in (("public", ["FORBIDDEN"]), ("staff", []), ("admin", [])):
        answer = await shop.served.ask("Bookings", role, first=10)
        assert graphql_codes(answer) == expected
        assert (answer.get("data") is None) is bool(expected)
    # Who may not look is not told what else was wrong with the question.
    answer = await shop.served.ask("Bookings", "public", first=1000, after="nonsense")
    assert graphql_codes(answer) == ["FORBIDDEN"]


async def test_bookings_of_another_business_are_found_by_nothing(shop: Shop) -> None:
    other = await furnish(await shop.served.another("elsewhere"))
    theirs = (await other.booked(at("10:00"), optionId=other.anna))["booking"]
    mine = await book(shop, "12:00", customer=OLA)
    for chosen in (
        {"query": theirs["reference"]},
        {"query": "kari"},
        {"customerEmail": "kari@example.no"},
        {"from": at("10:00"), "to": at("11:00")},
    ):
        assert await ids(shop, filter=chosen) == [], chosen
    for chosen in (
        {"optionIds": [other.anna]},
        {"serviceIds": [other.haircut]},
        {"optionIds": ["nonsense"]},
        {"optionIds": [shop.haircut]},
    ):
        variables = {"filter": chosen, "first": 10}
        answer = (await shop.served.send(operations()["Bookings"], shop.served.keys["admin"], variables)).json()
        assert graphql_codes(answer) == ["BAD_USER_INPUT"] or answer["data"]["bookings"]["totalCount"] == 0, chosen
    assert await ids(shop) == [mine]
    theirs_last = (await page(other))["pageInfo"]["endCursor"]
    answer = (await shop.served.send(LIST, shop.served.keys["staff"], {"first": 9, "after": theirs_last})).json()
    assert theirs["id"] not in str(answer)


async def test_a_refused_booking_is_not_listed(shop: Shop) -> None:
    await book(shop, "10:00")
    assert codes(await shop.book(at("10:00"), optionId=shop.anna)) == ["SLOT_TAKEN"]
    assert len(await ids(shop)) == 1
