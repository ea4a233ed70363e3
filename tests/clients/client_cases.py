"""The fault scripts that every real client is put through, by name."""

from dataclasses import dataclass, field
from typing import Any

from seawall.config import Backoff, Gateway, Hold, Idle

QUICK = Backoff(first=0.02, most=0.1, throttle_first=0.05)
SHORT = Idle(first_byte=0.4, first_byte_per_token=0.0, before_content=0.4, after_content=0.4, tick=0.05)
"""For faults that hang. A false alarm costs one replay, so a slow machine fails no test by it."""
PATIENT = Idle(tick=0.05)
OVER = ("overloaded",) * 60
"""More than any hold below lasts."""


@dataclass(frozen=True, slots=True)
class Case:
    """What the API does with the first requests, and how the gateway in front of it is set."""

    name: str
    script: tuple[str, ...]
    idle: Idle = PATIENT
    hold: Hold = field(default_factory=Hold)
    backoff: Backoff = QUICK
    limit: float = 75.0
    """The client's own time limit in seconds, which it states."""
    streamed: bool | None = None
    """Only for calls that are streamed, or only for those that are not."""
    wish: str = ""
    """What the faulty API shall answer with, in its own words."""

    def prompt(self, way: str = "") -> str:
        """A prompt whose answer belongs to it alone."""
        mark = f"{self.name}.{way.replace(' ', '-')}" if way else self.name
        return f"Count, please. nonce={mark}" + (f"\nseawall-fake: {self.wish}" if self.wish else "")

    def gateway(self, upstream: str) -> Gateway:
        """The gateway's settings for this case."""
        return Gateway(
            listen="127.0.0.1:0", upstream=upstream, idle=self.idle, hold=self.hold, backoff=self.backoff
        )


def named(case: Case) -> str:
    """Its name, for the list of tests."""
    return case.name


def _case(name: str, *script: str, **settings: Any) -> Case:
    return Case(name, script, **settings)


EARLY = Hold(open_after=0.15, ping_every=0.05)
"""The answer is opened with Seawall's own 200 while the call is held."""

# Whatever happens before content, the client gets the whole answer and notices nothing.
WHOLE = (
    _case("right"),
    _case("529-three-times", *["overloaded"] * 3),
    _case("529-five-times", *["overloaded"] * 5),
    _case("529-with-retry-after", "overloaded retry-after=1"),
    _case("529-should-retry", "status code=529 x-should-retry=true"),
    _case("529-cut-body", "status code=529 body=cut"),
    _case("500", "status code=500", "status code=500"),
    _case("500-overloaded-inside", "status code=500 type=overloaded_error"),
    _case("502-html", "status code=502 body=html"),
    _case("503", "status code=503"),
    _case("503-empty", "status code=503 body=empty"),
    _case("504", "status code=504"),
    _case("504-text", "status code=504 body=text"),
    _case("520-html", "status code=520 body=html"),
    _case("429-retry-after", "rate-limit retry-after=1"),
    _case("429-acceleration", "acceleration retry-after=1"),
    _case("429-bare", "throttle", "throttle"),
    _case("reset-before-headers", "reset"),
    _case("close-without-answer", "close"),
    _case("reset-after-headers", "reset at=after-headers"),
    _case("close-after-headers", "close at=after-headers"),
    # Not streamed, a call may work in silence up to its client's limit: see below.
    _case("hang-before-headers", "hang at=before-headers", idle=SHORT, streamed=True),
    _case("hang-after-headers", "hang at=after-headers", idle=SHORT),
    _case("silence-before-content", "hang at=before-content", idle=SHORT),
    _case("error-event-before-content", "error-event at=before-content"),
    _case("api-error-event-first", "error-event at=after-headers type=api_error message=broken"),
    _case("cut-before-content", "cut at=before-content"),
    _case("close-before-content", "cut at=before-content how=close"),
    _case("clean-end-before-content", "early-end at=before-content"),
    _case("200-html", "wrong-body body=html"),
    _case("200-html-as-stream", "wrong-body body=keep-type-html"),
    _case("200-empty", "wrong-body body=empty"),
    _case("200-error-json", "wrong-body body=error-json"),
    _case("200-wrong-json", "wrong-body body=wrong-json"),
    _case("gzip", "encoded coding=gzip"),
    _case("gzip-error-then-gzip", "overloaded + encoded", "encoded"),
    _case("brotli", "encoded coding=br"),
    _case("byte-by-byte", "slow-bytes every=0"),
    _case("refused-for-a-moment", "refused seconds=0.3"),
    _case("early-hints", "interim code=103 count=3"),
    _case("many-processing", "interim code=102 count=40"),
    _case("continue-then-529", "interim code=100 + overloaded"),
    _case("two-lengths", "two-lengths"),
    _case("length-and-chunked", "length-and-chunked"),
    _case("second-answer-behind", "trailing-bytes", "ok"),
    _case("not-http", "bad-status-line"),
    _case("switching-protocols", "switch-protocols"),
    _case("head-of-a-megabyte", "huge-head"),
    _case("body-to-the-close", "framing how=close"),
    _case("connection-close", "overloaded + connection-close", "connection-close"),
    _case("closed-while-idle", "overloaded + idle-close", "overloaded + idle-close"),
    _case("garbage-lines", "garbage-lines"),
    _case("mixed-statuses", "overloaded", "status code=500", "status code=502 body=html", "throttle"),
    _case("mixed-connection", "reset", "overloaded", "error-event", "close at=after-headers"),
    _case("mixed-lies", "wrong-body body=html", "overloaded", "cut at=before-content", "status code=503"),
    _case("opened-then-answered", *["overloaded retry-after=0.2"] * 3, hold=EARLY),
)

# Claude Code would run the tool.
WITH_A_TOOL = (
    _case("thinking-text-and-tool", "overloaded", "error-event", wish="blocks=thinking,text,tool"),
    _case("gzip-thinking-text-and-tool", "overloaded", "encoded", wish="blocks=thinking,text,tool"),
)

# Content has reached the client: nothing may be replayed, and no half may pass for the whole.
BROKEN_STREAM = (
    _case("error-event-in-block", "error-event at=in-block"),
    _case("api-error-event-in-block", "error-event at=in-block type=api_error message=broken"),
    _case("error-event-after-block", "error-event at=after-block"),
    _case("error-event-in-tool", "error-event at=in-tool"),
    _case("cut-in-block", "cut at=in-block"),
    _case("close-in-block", "cut at=in-block how=close"),
    _case("cut-after-block", "cut at=after-block"),
    _case("cut-in-tool", "cut at=in-tool"),
    _case("clean-end-in-block", "early-end at=in-block"),
    _case("clean-end-after-block", "early-end at=after-block"),
    _case("clean-end-in-tool", "early-end at=in-tool"),
    _case("bad-json-in-block", "wrong-body body=bad-json"),
    _case("silence-in-block", "hang at=in-block", idle=SHORT),
    _case("gzip-cut-in-block", "cut at=in-block + encoded"),
)

# Nothing that could be waited for: a failure that the client can name.
GIVEN_UP = (
    _case("hold-is-over", *OVER, hold=Hold(longest=0.3)),
    _case("hold-is-over-opened", *OVER, hold=Hold(longest=0.5, open_after=0.15, ping_every=0.05)),
    _case("hang-to-the-clients-limit", "hang at=before-headers", idle=SHORT, limit=1.5, streamed=False),
    _case("sent-three-times-without-a-verdict", *["close"] * 3),
)

# What waiting cannot change is not held: at once, unchanged.
FINAL = (
    _case("400", "status code=400 message='messages: a field is wrong'"),
    _case("401", "status code=401"),
    _case("403", "status code=403"),
    _case("404", "status code=404 message='model: claude-none'"),
    _case("413", "status code=413"),
    _case("spend-cap", "spend-cap"),
    _case("plan-limit", "plan-limit"),
    _case("529-should-not-retry", "status code=529 x-should-retry=false"),
)
