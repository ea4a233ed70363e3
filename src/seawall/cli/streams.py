"""stdin, stdout and stderr of a command that is started without one of them, or with one that takes nothing more."""

import io
import os
import sys
from typing import TextIO


def mend() -> None:
    """Gives this process all three: the null device for a closed one; stderr that nothing fails for.

    Without it the next file that is opened would get the number of a closed one, and what is printed would end in it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number: this one
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115  # as long as the process
    sys.stdout = _through(_Told, sys.stdout)
    sys.stderr = _through(_Deaf, sys.stderr)


def failed(stream: TextIO) -> OSError | None:
    """Why a stream of `mend` did not take what was written; None where it took all."""
    found = getattr(getattr(stream, "buffer", None), "failed", None)
    return found if isinstance(found, OSError) else None


class _Told(io.BufferedWriter):
    """Keeps the error that it raises: by then it is nobody's but the stream's."""

    failed: OSError | None = None

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            self.failed = error
            raise

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            self.failed = error
            raise


class _Deaf(io.BufferedWriter):
    """Loses what cannot be written: a note beside the answer is no reason to fail, least of all with a child's code."""

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError:
            return len(data)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            pass  # nobody is left to tell


def _through(kind: type[io.BufferedWriter], stream: "TextIO | None") -> TextIO:
    """The same stream, written through a buffer of that kind."""
    if stream is None:
        return io.TextIOWrapper(kind(io.FileIO(os.devnull, "w")), encoding="utf-8", errors="replace")
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    encoding, by_line, at_once = stream.encoding, stream.line_buffering, stream.write_through
    buffer = stream.detach()
    # An unbuffered Python writes to the raw file at once.
    raw = buffer.detach() if isinstance(buffer, io.BufferedWriter) else buffer
    return io.TextIOWrapper(
        kind(raw), encoding, "replace", newline="\n", line_buffering=by_line or at_once, write_through=at_once
    )
