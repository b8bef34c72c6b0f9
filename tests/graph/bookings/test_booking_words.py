"""Bookings are found by words and mail addresses however they are spelled, alike on both databases."""

from tests.graph.bookings.test_booking_list import book, ids
from tests.graph.shop import Shop

SPELLINGS = (
    ({"name": "Pat O’Brien"}, ("O'Brien", "o‘b", "OBRIEN", "brien", "“Pat”")),
    ({"name": "Nordmann, Kari (Oslo)"}, ("Nordmann", "nordmann,", "Kari Nordmann", "Oslo", "(oslo)", "Nordmann,Kari")),
    ({"name": "Berg‑Ødegård"}, ("berg-ø", "berg–ød", "ødegård")),
    ({"name": "A\u030asa"}, ("Åsa", "\u212bs", "a\u030as")),
    ({"name": "अनुराधा"}, ("अनु", "अनुरा", "अनुराधा")),
    ({"name": "Kari\u00a0Bråten"}, ("kari bråten", "Kari\u2009B", "KARI", "bra\u030a")),
    ({"name": "Grüße", "email": "Strasse@Example.NO"}, ("GRÜSSE", "grüss", "straße@example.no")),
)


async def test_a_query_finds_a_word_however_it_is_spelled(each_shop: Shop) -> None:
    shop = each_shop
    for number, (customer, typed) in enumerate(SPELLINGS):
        booking = await book(shop, f"{9 + number:02}:00", customer=customer)
        for query in typed:
            assert booking in await ids(shop, filter={"query": query}), query


async def test_a_beginning_ends_where_a_grapheme_ends_and_signs_alone_find_nothing(each_shop: Shop) -> None:
    shop = each_shop
    await book(shop, "10:00", customer={"name": "अनुराधा o\u0338y"})
    # No reference has an O: bookings are found by those, too.
    for query in ("अन", "o", "(", "- !", "kari"):
        assert await ids(shop, filter={"query": query}) == [], query


async def test_a_mail_address_is_found_in_any_case_and_only_where_it_is_the_whole_address(each_shop: Shop) -> None:
    shop = each_shop
    long = "x" * 300 + "@Example.no"
    mine = await book(shop, "10:00", customer={"name": "Åse", "email": "Åse@Example.NO"})
    other = await book(shop, "11:00", customer={"name": "åse@example.no", "email": long})
    for typed in ("åse@example.no", "ÅSE@EXAMPLE.NO", "A\u030ase@example.no", " åse@example.no "):
        assert await ids(shop, filter={"customerEmail": typed}) == [mine], typed
    assert await ids(shop, filter={"customerEmail": long.upper()}) == [other]
    for typed in (long[:-1], "åse@example.n", "åse"):
        assert await ids(shop, filter={"customerEmail": typed}) == [], typed
