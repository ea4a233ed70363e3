"""What one failure showed, before anybody concludes anything from it."""

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """How far an attempt had come when it ended."""

    CONNECT = "connect"
    """No byte of the request was sent."""
    SENDING = "sending"
    """A part of the request was sent."""
    SENT = "sent"
    """The whole request was sent, no answer had begun: whether it was worked on is not known."""
    HEAD = "head"
    """The answer's head arrived."""
    BODY = "body"
    """Bytes of the answer arrived, none of them content."""
    CONTENT = "content"
    """Content arrived, and may have been forwarded."""


class Fault(StrEnum):
    """What broke below HTTP; the names that the catalogue's matchers use as `exception`."""

    DNS_FAILURE = "dns_failure"
    DNS_TEMPORARY = "dns_temporary"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_RESET = "connection_reset"
    CONNECTION_CLOSED = "connection_closed"
    """The other side ended the connection in good order, but before its answer was whole."""
    CONNECT_TIMEOUT = "connect_timeout"
    UNREACHABLE = "unreachable"
    FIRST_BYTE_TIMEOUT = "first_byte_timeout"
    IDLE_TIMEOUT = "idle_timeout"
    TLS_UNTRUSTED_CA = "tls_untrusted_ca"
    TLS_EXPIRED = "tls_expired"
    TLS_OTHER = "tls_other"
    PROXY_AUTH = "proxy_auth"
    PROXY_FAILED = "proxy_failed"
    BAD_ANSWER = "bad_answer"
    """Bytes that are no HTTP answer, or one whose framing is ambiguous."""
    ASLEEP = "asleep"
    """The machine slept while the attempt was under way."""


class Body(StrEnum):
    """What an answer's body turned out to be."""

    NONE = "none"
    EMPTY = "empty"
    JSON = "json"
    STREAM = "stream"
    HTML = "html"
    TEXT = "text"
    CUT = "cut"
    """It ended before its end."""
    ENCODED = "encoded"


def by_api(request_id: str | None) -> bool:
    """Whether an answer's request id has the form of the API's own: then the API answered, whatever lies between."""
    return (request_id or "").startswith("req_")


@dataclass(frozen=True, slots=True)
class Evidence:
    """One failed attempt as facts. Everything that decides, explains or counts reads this.

    `retry_after` is in seconds from the answer's arrival. `limits_rejected` is the plan's own word
    (`anthropic-ratelimit-unified-status: rejected`); `bucket_empty` that a rate-limit bucket of the answer
    has next to nothing left. `message` is the upstream's sentence, at most 500 characters, redacted.
    """

    phase: Phase
    status: int | None = None
    fault: Fault | None = None
    body: Body = Body.NONE
    error_type: str | None = None
    error_code: str | None = None
    message: str | None = None
    in_stream: bool = False
    """The error came as an event inside an answer that had begun with 200."""
    retry_after: float | None = None
    should_retry: bool | None = None
    limits_rejected: bool = False
    bucket_empty: str | None = None
    request_id: str | None = None
    from_edge: bool = False
    """Cloudflare's headers and no request id: the edge answered, not the API."""
    from_seawall: bool = False
    """Another Seawall answered; the holding is its."""
    has_buckets: bool | None = None
    """Whether the answer named rate-limit buckets at all; None: nobody looked. A 429 without any is the
    service's throttle, one with buckets that are not empty is the account's own sharp rise."""
