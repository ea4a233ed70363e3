"""What every JSON object that a verb prints begins with."""

import seawall
from seawall.view.heading import heading


def test_heading() -> None:
    """Its shape's name first, then when and by which version."""
    assert list(heading("seawall.plan/1", 0.0).items()) == [
        ("schema", "seawall.plan/1"),
        ("generated_at", "1970-01-01T00:00:00Z"),
        ("seawall_version", seawall.__version__),
    ]
