"""API keys: recognised by their digest alone, in one business, with one role, until they are revoked."""

from uuid import uuid4

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from models import api_key
from models.api_key import Caller
from models.enums import Role
from models.log import change_log
from models.log.change_log import NoSuchBusinessError
from tests.models.rows import a_business

pytestmark = pytest.mark.usefixtures("database")


async def test_a_key_is_recognised_with_its_business_and_role() -> None:
    business_id = await a_business()
    for role in Role:
        key_id, plain = await api_key.create(business_id, role, "the app")
        assert plain.startswith(f"tb_{role.lower()}_")
        caller = await api_key.authenticate(plain)
        assert caller == Caller(business_id, key_id, role, "the app")
        assert caller.is_staff is (role is not Role.PUBLIC)
        assert caller.actor == ("customer" if role is Role.PUBLIC else f"{role.lower()}: the app")
        assert await api_key.still_valid({caller}) == {caller}


async def test_the_key_itself_is_nowhere_in_the_database(database: BaseDBAsyncClient) -> None:
    business_id = await a_business()
    _, plain = await api_key.create(business_id, Role.ADMIN, "the app")
    for table in ("key", "change"):
        rows = await database.execute_query_dict(f'SELECT * FROM "{table}"')  # noqa: S608 - names of our own
        assert rows
        assert plain not in str([dict(row) for row in rows])


async def test_an_unknown_key_is_nobody() -> None:
    for unknown in ("", "tb_admin_", "tb_admin_nonsense", "ÆØÅ", "x" * 10_000, "a\x00b"):
        assert await api_key.authenticate(unknown) is None, unknown


async def test_a_revoked_key_is_nobody_any_more() -> None:
    business_id = await a_business()
    key_id, plain = await api_key.create(business_id, Role.STAFF, "the app")
    _, other = await api_key.create(business_id, Role.STAFF, "another app")
    caller = await api_key.authenticate(plain)
    assert caller
    before = await change_log.newest(business_id)
    assert await api_key.revoke(key_id)
    assert await api_key.authenticate(plain) is None
    assert await api_key.still_valid({caller}) == set()
    assert await api_key.authenticate(other)
    assert await change_log.newest(business_id) == before + 1, "who listens is told"


async def test_revoking_again_changes_nothing_and_an_unknown_key_cannot_be_revoked() -> None:
    business_id = await a_business()
    key_id, _ = await api_key.create(business_id, Role.STAFF, "the app")
    await api_key.revoke(key_id)
    before = await change_log.newest(business_id), await api_key.list_keys(business_id)
    assert await api_key.revoke(key_id)
    assert (await change_log.newest(business_id), await api_key.list_keys(business_id)) == before
    assert not await api_key.revoke(uuid4())


async def test_a_caller_stands_only_with_the_role_of_the_key() -> None:
    business_id = await a_business()
    key_id, _ = await api_key.create(business_id, Role.PUBLIC, "the app")
    caller = Caller(business_id, key_id, Role.PUBLIC, "the app")
    promoted = Caller(business_id, key_id, Role.ADMIN, "the app")
    unknown = Caller(business_id, uuid4(), Role.PUBLIC, "the app")
    assert await api_key.still_valid({caller, promoted, unknown}) == {caller}


async def test_keys_are_listed_per_business_without_their_digests() -> None:
    one, other = await a_business(), await a_business()
    made = {(await api_key.create(one, role, role.lower()))[0] for role in Role}
    await api_key.create(other, Role.ADMIN, "theirs")
    listed = await api_key.list_keys(one)
    assert {row["id"] for row in listed} == made
    assert len(listed) == len(made)
    assert set(listed[0]) == {"id", "role", "name", "created_at", "revoked_at"}


async def test_a_key_of_no_business_is_not_made() -> None:
    with pytest.raises(NoSuchBusinessError):
        await api_key.create(uuid4(), Role.ADMIN, "the app")
