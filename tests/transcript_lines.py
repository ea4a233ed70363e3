"""Lines as Claude Code writes them into its transcripts; the names of fields are its own, the values are made up."""

import json
import time
from pathlib import Path
from typing import Any

SESSION = "5c1f4a52-0000-4000-8000-000000000001"


def stamp(at: float) -> str:
    """A time as JavaScript prints it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1000):03d}Z"


def line(**fields: Any) -> bytes:
    """One line, without blanks, as `JSON.stringify` makes it."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _common(uuid: str, parent: str | None, at: float) -> dict[str, Any]:
    return {
        "parentUuid": parent, "isSidechain": False, "uuid": uuid, "timestamp": stamp(at), "userType": "external",
        "cwd": "/home/dev/secret-project", "sessionId": SESSION, "version": "2.1.329", "gitBranch": "main",
    }  # fmt: skip


def prompt(
    uuid: str, parent: str | None, at: float, text: str = "please refactor the billing module"
) -> bytes:
    """What a person asked."""
    return line(**_common(uuid, parent, at), type="user", message={"role": "user", "content": text})


def answer(uuid: str, parent: str | None, at: float, request: str, model: str = "claude-opus-5-5") -> bytes:
    """What the model answered."""
    message = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "the billing module is refactored"}], "usage": {"input_tokens": 25},
    }  # fmt: skip
    return line(**_common(uuid, parent, at), type="assistant", message=message, requestId=request)


def retry(uuid: str, parent: str | None, at: float, number: int, error: Any) -> bytes:
    """An attempt that failed and is tried again."""
    return line(
        **_common(uuid, parent, at),
        type="system",
        subtype="api_error",
        level="error",
        error=error,
        retryInMs=500.0,
        retryAttempt=number,
        maxRetries=10,
    )


def overloaded(request: str) -> dict[str, Any]:
    """The `error` of a retry after a 529."""
    body = {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "Overloaded"},
        "request_id": request,
    }
    return {
        "message": f"529 {json.dumps(body, separators=(',', ':'))}", "status": 529, "requestId": request,
        "formatted": "529 Overloaded", "connection": None, "isNetworkDown": False,
    }  # fmt: skip


def refused() -> dict[str, Any]:
    """The `error` of a retry after a refused connection."""
    return {
        "message": "Connection error.", "isNetworkDown": True, "connection": {"code": "ECONNREFUSED"},
        "formatted": "Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)",
    }  # fmt: skip


def shown(
    uuid: str, parent: str | None, at: float, text: str, request: str | None = None, **more: Any
) -> bytes:
    """The failure that was shown in the end."""
    message = {"id": "msg_2", "model": "<synthetic>", "role": "assistant", "type": "message",
               "stop_reason": "stop_sequence", "content": [{"type": "text", "text": text}]}  # fmt: skip
    ids = {"requestId": request} if request else {}
    return line(
        **_common(uuid, parent, at), type="assistant", message=message, isApiErrorMessage=True, **ids, **more
    )


OVERLOADED = (
    "API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary. "
    "Try again in a moment. If it persists, check https://status.claude.com."
)


def outage(at: float, name: str = "a") -> bytes:
    """A call that was tried three times and given up: a prompt, two retries, the failure."""
    return b"".join(
        (
            prompt(f"{name}0", None, at),
            retry(f"{name}1", f"{name}0", at + 1, 1, overloaded(f"req_{name}00001")),
            retry(f"{name}2", f"{name}1", at + 2, 2, overloaded(f"req_{name}00002")),
            shown(f"{name}3", f"{name}2", at + 4, OVERLOADED, f"req_{name}00003", apiErrorStatus=529,
                  apiErrorType="overloaded_error", error="server_error"),
        )
    )  # fmt: skip


def write(folder: Path, data: bytes, name: str = f"{SESSION}.jsonl") -> Path:
    """A transcript in a project's folder."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
