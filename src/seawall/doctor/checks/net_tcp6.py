"""Can a connection to the API be made by IPv6?"""

from seawall.doctor import tcp
from seawall.doctor.check import Check, Finding, Probe


async def run(probe: Probe) -> Finding:
    return await tcp.by("IPv6", probe)


CHECK = Check("net.tcp6", "IPv6", run, needs=("net.dns",), after=("net.proxy",), to=("api",))
