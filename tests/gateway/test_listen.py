"""The sockets of an address."""

import socket

import pytest

from seawall.gateway.listen import listening_sockets


def close(sockets: list[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def test_a_loopback_address_has_both_families_at_one_port() -> None:
    """Clients that say `localhost` may try either; a machine without IPv6 has one."""
    sockets = listening_sockets("127.0.0.1", 0)
    try:
        assert sockets[0].getsockname()[0] == "127.0.0.1"
        assert len({sock.getsockname()[1] for sock in sockets}) == 1
        assert [sock.getsockname()[0] for sock in sockets[1:]] in ([], ["::1"])
    finally:
        close(sockets)


def test_another_address_has_its_own_family_only() -> None:
    """It is what was asked for, and nothing beside it."""
    sockets = listening_sockets("0.0.0.0", 0)
    try:
        assert [sock.family for sock in sockets] == [socket.AF_INET]
    finally:
        close(sockets)


def test_a_port_that_is_taken_in_either_family_is_refused() -> None:
    """Else somebody else would get the calls of some clients. No socket is left open."""
    taken = listening_sockets("127.0.0.1", 0)
    port = taken[0].getsockname()[1]
    try:
        for holder in taken:
            holder.listen()
        with pytest.raises(OSError, match="in use"):
            listening_sockets("127.0.0.1", port)
        if len(taken) > 1:
            taken[0].close()  # only ::1 is taken now
            with pytest.raises(OSError, match="in use"):
                listening_sockets("127.0.0.1", port)
    finally:
        close(taken)
