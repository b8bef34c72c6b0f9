"""What is sealed opens with the server's keys alone; what is signed is known again; keys can rotate."""

import base64
import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.storage import secrets as secret
from models.storage.columns import new_id
from models.storage.secrets import Secrets

OLD, NEW = secret.new_secret_key(), secret.new_secret_key()


def test_what_is_sealed_opens_and_looks_different_each_time() -> None:
    secrets = Secrets((NEW,))
    sealed = [secrets.seal("ya29.token ÆØÅ") for _ in range(2)]
    assert [secrets.open(each) for each in sealed] == ["ya29.token ÆØÅ"] * 2
    assert sealed[0] != sealed[1]
    assert "ya29" not in sealed[0]


def test_what_another_server_sealed_does_not_open() -> None:
    with pytest.raises(ValueError, match="TIMEBOK_SECRET_KEYS"):
        Secrets((NEW,)).open(Secrets((OLD,)).seal("token"))


@pytest.mark.parametrize("nonsense", ["", "nonsense", "ÆØÅ", "gAAAAA=="])
def test_what_was_never_sealed_does_not_open(nonsense: str) -> None:
    with pytest.raises(ValueError, match="TIMEBOK_SECRET_KEYS"):
        Secrets((NEW,)).open(nonsense)


def test_keys_rotate_with_the_new_one_in_front() -> None:
    old, both, new = Secrets((OLD,)), Secrets((NEW, OLD)), Secrets((NEW,))
    sealed = old.seal("token")
    assert both.open(sealed) == "token"
    assert new.open(both.rotate(sealed)) == "token"
    assert new.open(both.seal("token")) == "token"
    booking_id = uuid4()
    assert both.managed(old.manage_token(booking_id, 0)) == (booking_id, 0)
    assert new.managed(both.manage_token(booking_id, 0)) == (booking_id, 0)
    assert new.managed(old.manage_token(booking_id, 0)) is None


@pytest.mark.parametrize("keys", [(), ("",), ("short",), (NEW, "short")])
def test_unusable_keys_are_refused_at_once(keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="Fernet"):
        Secrets(keys)


def test_a_manage_token_is_the_same_each_time_and_tells_booking_and_generation() -> None:
    secrets, booking_id = Secrets((NEW,)), new_id()
    token = secrets.manage_token(booking_id, 7)
    assert secrets.manage_token(booking_id, 7) == token
    assert secrets.managed(token) == (booking_id, 7)
    assert secrets.manage_token(booking_id, 8) != token
    assert re.fullmatch(r"[A-Za-z0-9_=-]+", token), "it goes into a URL"


def test_a_manage_token_with_any_bit_changed_is_refused() -> None:
    secrets = Secrets((NEW,))
    raw = base64.urlsafe_b64decode(secrets.manage_token(uuid4(), 1))
    for place in range(len(raw) * 8):
        forged = bytearray(raw)
        forged[place // 8] ^= 1 << place % 8
        assert secrets.managed(base64.urlsafe_b64encode(forged).decode()) is None
    for length in range(len(raw)):
        assert secrets.managed(base64.urlsafe_b64encode(raw[:length]).decode()) is None
    assert secrets.managed(base64.urlsafe_b64encode(raw + b"\0").decode()) is None


@given(st.text())
def test_no_text_is_a_manage_token_unless_we_signed_it(token: str) -> None:
    assert Secrets((NEW,)).managed(token) is None


@given(st.binary(max_size=60))
def test_no_bytes_are_a_manage_token_unless_we_signed_them(raw: bytes) -> None:
    assert Secrets((NEW,)).managed(base64.urlsafe_b64encode(raw).decode()) is None


def test_tokens_are_long_and_never_the_same() -> None:
    tokens = {secret.new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(len(base64.urlsafe_b64decode(f"{token}=")) == 32 for token in tokens)


def test_a_digest_recognises_its_token_and_does_not_tell_it() -> None:
    assert secret.digest("token") == "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"
    assert secret.same(secret.digest("token"), secret.digest("token"))
    assert not secret.same(secret.digest("token"), secret.digest("tokem"))
    assert not secret.same("ÆØÅ", "short")
