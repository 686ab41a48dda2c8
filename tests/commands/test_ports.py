"""Ports: a taken one is told in one sentence, before anything is started."""

import socket
from collections.abc import Iterator

import pytest

from giftops.ports import PortError, need_free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_are_no_reason_to_speak():
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]

    need_free_ports({"WEB_PORT": free})


def test_a_taken_port_is_named_with_the_variable_that_chooses_another(taken):
    with pytest.raises(PortError) as caught:
        need_free_ports({"WEB_PORT": taken})

    sentence = str(caught.value)
    assert f"Port {taken} is in use by another program." in sentence
    assert "WEB_PORT=" in sentence
    assert "\n" not in sentence


def test_the_suggested_port_is_free(taken):
    with pytest.raises(PortError) as caught:
        need_free_ports({"WEB_PORT": taken})
    suggested = int(str(caught.value).rpartition("WEB_PORT=")[2].split()[0])

    need_free_ports({"WEB_PORT": suggested})


def test_one_port_for_two_programs_is_refused():
    with pytest.raises(PortError, match="WEB_PORT and SANDBOX_PORT are both 8000"):
        need_free_ports({"WEB_PORT": 8000, "SANDBOX_PORT": 8000})


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_number_that_is_no_port_is_refused(port):
    with pytest.raises(PortError, match="is no port number"):
        need_free_ports({"WEB_PORT": port})
