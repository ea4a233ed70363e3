"""Accounts are told apart by salted hashes, and joined by their organisation."""

from seawall.gateway.accounts import Accounts


def test_hashes_tell_nothing() -> None:
    """A hash is short, stable under one salt, different under another, and holds nothing of the secret."""
    one, other = Accounts(b"salt"), Accounts(b"pepper")
    assert one.hash(b"sk-ant-api03-secret") == one.hash(b"sk-ant-api03-secret")
    assert one.hash(b"sk-ant-api03-secret") != other.hash(b"sk-ant-api03-secret")
    assert len(one.hash(b"x")) == 16


def test_an_organisation_joins_its_keys() -> None:
    """Two keys whose answers name one organisation are one account from then on."""
    accounts = Accounts(b"salt")
    first, second = accounts.hash(b"one"), accounts.hash(b"two")
    assert accounts.account(first) == first != accounts.account(second)
    accounts.learn(first, b"org-1")
    accounts.learn(second, b"org-1")
    accounts.learn(second, b"org-2")
    accounts.learn(first, None)
    assert accounts.account(first) == accounts.account(second) != first


def test_memory_is_bounded() -> None:
    """However many credentials come by, only so many are remembered."""
    accounts = Accounts(b"salt")
    for number in range(10_050):
        accounts.learn(f"{number:016x}", b"org")
    assert len(accounts._organisations) == 10_000


def test_who_is_in_use_is_not_forgotten() -> None:
    """However many other keys come by meanwhile, its organisation stays known, and its lane the same."""
    accounts = Accounts(b"salt")
    mine = accounts.hash(b"mine")
    known = accounts.learn(mine, b"org")
    for number in range(10_050):
        accounts.learn(f"{number:016x}", b"others")
        assert accounts.learn(mine, b"org") is None
    assert accounts.account(mine) == known


def test_a_name_is_one_object() -> None:
    """Held calls are many and their accounts few: all of one account share its name."""
    accounts = Accounts(b"salt")
    assert accounts.hash(b"one") is accounts.hash(b"one")
    for number in range(10_050):
        accounts.hash(b"%d" % number)
    assert len(accounts._names) <= 10_001
