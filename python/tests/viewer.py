"""A viewer of a hub, of the standard library alone: Socket.IO v5 over Engine.IO v4 over a websocket (RFC 6455)."""

from __future__ import annotations

import json
import os
import socket
from typing import Any

SOON = 60.0


class Closed(Exception):
    """The hub closed the connection: the code of a websocket, or None."""

    def __init__(self, code: int | None) -> None:
        """Has the code."""
        super().__init__(code)
        self.code = code


class Viewer:
    """One connection, and what comes over it."""

    def __init__(self, addr: str, auth: object = None) -> None:
        """Connects to the namespace `/`."""
        host, _, port = addr.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), SOON)
        self._rest = b""
        self._socket.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {addr}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self._take(1)
        # The accept of the RFC's own example.
        assert head.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head, head
        assert self._packet().startswith("0{")
        self._say("40" + ("" if auth is None else json.dumps(auth)))
        assert self._packet().startswith("40{")

    def join(self, room: str) -> dict[str, Any]:
        """Joins a room, and returns its whole state, which comes first."""
        self._say(f"421{json.dumps(['join-game', room])}")
        answer = self._packet()
        assert answer.startswith("431[") and json.loads(answer[3:])[0]["ok"], answer
        event, state, about = self.event()
        assert event == "gameState" and about["room"] == room
        return state

    def event(self) -> Any:
        """Returns the next event: its name, what it says, and what the hub says of it. Columns are bytes in it."""
        packet = self._packet()
        if packet.startswith("42"):
            return json.loads(packet[2:])
        assert packet.startswith("45"), packet
        count, _, said = packet[2:].partition("-")
        parts = [self._frame()[1] for _ in range(int(count))]
        return _with_parts(json.loads(said), parts)

    def close(self) -> None:
        """Goes."""
        self._socket.close()

    def _packet(self) -> str:
        while True:
            kind, payload = self._frame()
            if (kind, payload) == (1, b"2"):
                self._say("3")
            elif kind == 1:
                return payload.decode()
            else:
                raise AssertionError(f"a frame of the kind {kind}: {payload!r}")

    def _frame(self) -> tuple[int, bytes]:
        first, length = self._take(2)
        assert first & 0x80 and not length & 0x80, "a server's message is whole here and not masked"
        if length == 126:
            length = int.from_bytes(self._take(2), "big")
        elif length == 127:
            length = int.from_bytes(self._take(8), "big")
        payload = self._take(length)
        if first & 0xF == 8:
            raise Closed(int.from_bytes(payload[:2], "big"))
        return first & 0xF, payload

    def _say(self, text: str) -> None:
        payload, mask = text.encode(), os.urandom(4)
        length = len(payload)
        head = bytes([0x81, 0x80 | length]) if length < 126 else b"\x81\xfe" + length.to_bytes(2, "big")
        self._socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)))

    def _take(self, count: int) -> bytes:
        while len(self._rest) < count:
            more = self._socket.recv(1 << 16)
            if not more:
                raise Closed(None)
            self._rest += more
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken


def _with_parts(value: Any, parts: list[bytes]) -> Any:
    if isinstance(value, list):
        return [_with_parts(member, parts) for member in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            return parts[value["num"]]
        return {name: _with_parts(member, parts) for name, member in value.items()}
    return value
