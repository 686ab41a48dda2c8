"""Is a port free? Asked before anything is started, so that the answer is one sentence."""

import errno
import socket
from collections.abc import Mapping


class PortError(Exception):
    """A port cannot be had; the text names it and the variable that chooses another."""


def need_free_ports(wanted: Mapping[str, int]) -> None:
    """Raise PortError unless every port can be listened on at 127.0.0.1.

    `wanted` maps the name of the variable that chooses a port to its number.
    """
    seen: dict[int, str] = {}
    for variable, port in wanted.items():
        if port in seen:
            raise PortError(
                f"{seen[port]} and {variable} are both {port}; give one of them another."
            )
        seen[port] = variable
        if why := _obstacle(port):
            raise PortError(
                f"Port {port} {why}. Choose another one with {variable}, "
                f"for example: {variable}={_suggest(port, wanted)} make run"
            )


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _obstacle(port: int) -> str:
    if not 1 <= port <= 65535:
        return "is no port number (they go from 1 to 65535)"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return "is reserved for the system's administrator"
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return "is in use by another program"
    return ""


def _suggest(port: int, wanted: Mapping[str, int]) -> int:
    for candidate in range(max(1024, port) + 1, 65536):
        if candidate not in wanted.values() and not _obstacle(candidate):
            return candidate
    return 18000
