"""What the end of a `with` block closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

# See _waiting.py.
if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self


class Closing:
    """Something that a block closes when it is left, whatever the reason."""

    __slots__ = ()

    def close(self) -> None:
        """Each has its own."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        """Begins a block, whose end closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `close`."""
        self.close()


class AsyncClosing(Closing):
    """The same for `async with`, which closes it in the event loop."""

    __slots__ = ()

    async def __aenter__(self) -> Self:
        """Begins a block, whose end closes it."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As `close`."""
        self.close()
