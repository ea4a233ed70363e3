"""The event loop that sockets are served on."""

import asyncio


def loop_runner() -> asyncio.Runner:
    """Runs coroutines, on uvloop where there is one: about twice the requests a second."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
