"""A provider without a network: mounted as the transport of a gateway's session."""

import io
import json
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.response import HTTPResponse

Answer = tuple[int, bytes, dict[str, str]]


class StubProvider(BaseAdapter):
    """Answers in the order it was told, the last answer again and again; remembers what it saw.

    stub.answers(200, {"name": "NCT-1"})
    stub.fails(requests.ReadTimeout())
    """

    def __init__(self) -> None:
        super().__init__()
        self.requests: list[requests.PreparedRequest] = []
        self._script: list[Answer | Exception] = []

    def answers(
        self, status: int = 200, data: Any = b"", headers: dict[str, str] | None = None
    ) -> "StubProvider":
        """Say `data` (bytes as they are, everything else as JSON) with this status."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        kind = {} if isinstance(data, bytes) else {"Content-Type": "application/json"}
        self._script.append((status, body, kind | (headers or {})))
        return self

    def fails(self, failure: Exception) -> "StubProvider":
        """Raise this instead of answering."""
        self._script.append(failure)
        return self

    def rewind(self) -> None:
        """Forget the script and what was seen."""
        self.requests, self._script = [], []

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:  # type: ignore[override]
        self.requests.append(request)
        step = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(step, Exception):
            raise step
        status, body, headers = step
        raw = HTTPResponse(io.BytesIO(body), headers=headers, status=status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """Nothing to close."""

    @property
    def sent(self) -> list[tuple[str | None, str]]:
        """Method and path of everything that was sent."""
        return [(request.method, request.path_url) for request in self.requests]

    def json(self, number: int = -1) -> Any:
        """What was posted, decoded."""
        return json.loads(self.requests[number].body or b"null")
