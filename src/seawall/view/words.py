"""How lengths of time are said."""


def duration(seconds: float) -> str:
    """A length of time as people say it: `45 s`, `3 min 10 s`, `15 min`, `6 h`, `2 d`."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        minutes, rest = divmod(whole, 60)
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, rest = divmod(whole // 60, 60)
    if hours >= 48:
        return f"{hours // 24} d"
    return f"{hours} h {rest} min" if rest and hours < 6 else f"{hours} h"
