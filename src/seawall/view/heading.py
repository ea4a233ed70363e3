"""What every JSON object that a verb prints begins with."""

from seawall import __version__
from seawall.clock import utc


def heading(schema: str, now: float) -> dict[str, object]:
    """The name of its shape, when it was made, and by which version."""
    return {"schema": schema, "generated_at": utc(now), "seawall_version": __version__}
