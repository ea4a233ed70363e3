"""Can a connection to the API be made by IPv4?"""

from seawall.doctor import tcp
from seawall.doctor.check import Check, Finding, Probe


async def run(probe: Probe) -> Finding:
    return await tcp.by("IPv4", probe)


CHECK = Check("net.tcp4", "IPv4", run, needs=("net.dns",), after=("net.proxy",), to=("api",))
