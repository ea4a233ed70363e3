"""What the calls of one gateway share."""

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seawall.clock import Clock
from seawall.config import Gateway
from seawall.gateway.accounts import Accounts
from seawall.gateway.admission import Admission
from seawall.gateway.memory import Memory
from seawall.gateway.places import Places
from seawall.gateway.records import Records
from seawall.http.pool import Pool

if TYPE_CHECKING:
    from seawall.gateway.exchange import Exchange
    from seawall.gateway.fallback import Fallbacks


@dataclass(frozen=True, slots=True)
class Means:
    """What all exchanges of a gateway share."""

    settings: Gateway
    clock: Clock
    rng: random.Random
    pool: Pool
    admission: Admission
    fallbacks: "Fallbacks | None"
    """None where nothing may go elsewhere: then none of that is even imported."""
    places: Places
    records: Records
    accounts: Accounts
    loop: asyncio.AbstractEventLoop
    """Passed on: asking for the running loop is a system call each time."""
    memory: Memory
    kept: Memory
    """What answers may take that are finished without their clients, all together."""
    exchanges: set["Exchange"]
    """Those under way."""
