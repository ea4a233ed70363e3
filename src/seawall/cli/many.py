"""`seawall explain --jsonl`: many texts, a line each."""

import gc
from collections.abc import Iterator
from typing import IO

from seawall.cli.common import ExitCode, Failure

_CHUNK = 256 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
"""Bytes of one line; a longer one is answered as unusable."""
_NOT_ONE = "not a line of {id, text}"


def lines(source: IO[bytes], target: IO[bytes]) -> int:
    """Answers each line as it comes: the cause of its text, or that the line cannot be read."""
    import msgspec

    from seawall.causes.cause import index
    from seawall.causes.verdict import explain

    class Line(msgspec.Struct):
        text: str
        id: msgspec.Raw = msgspec.Raw(b"null")

    class Named(msgspec.Struct):
        id: msgspec.Raw = msgspec.Raw(b"null")

    decode = msgspec.json.Decoder(Line).decode
    named = msgspec.json.Decoder(Named).decode
    encode = msgspec.json.encode
    causes = index().causes
    explain("")
    # What has been read once stays: the collector need not go over it again and again.
    gc.freeze()
    unknown, bad = causes["unknown.unknown"], 0
    for batch in _batches(source):
        answers = []
        for line in batch:
            if not line.strip():
                continue
            try:
                row = decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                bad += 1
                try:
                    name = named(line).id
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                    name = msgspec.Raw(b"null")
                none = {"id": name, "cause": None, "party": "unknown", "retry": "no", "also": ()}
                answers.append(encode(none | {"error": _NOT_ONE}) + b"\n")
                continue
            found = explain(row.text)
            short = causes.get(found.cause, unknown)
            answer = {
                "id": row.id,
                "cause": None if short is unknown else short.code,
                "party": short.party,
                "retry": short.retry,
                "also": found.also,
            }
            answers.append(encode(answer) + b"\n")
        # Whoever sends a line and waits for its answer gets it.
        target.write(b"".join(answers))
        target.flush()
    if bad:
        raise Failure(f"{bad} lines could not be read", ExitCode.USAGE)
    return ExitCode.OK


def _batches(source: IO[bytes]) -> Iterator[list[bytes]]:
    """The lines that have arrived, a chunk of them at most; of a line beyond all bounds only its first sign."""
    read = getattr(source, "read1", source.read)
    parts: list[bytes] = []
    size = 0
    while chunk := read(_CHUNK):
        head, end, tail = chunk.rpartition(b"\n")
        if not end:
            size += len(chunk)
            if size <= _LONGEST_LINE:
                parts.append(chunk)
            else:
                parts = [b"{"]
            continue
        yield (b"".join(parts) + head).split(b"\n")
        parts, size = [tail], len(tail)
    yield [b"".join(parts)]
