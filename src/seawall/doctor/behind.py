"""Where the user's own gateways send calls, by what they say of themselves; nonsense in it is passed over. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from seawall.origin import Origin, is_loopback

Told = Mapping[str, Any]
Place = tuple[Origin, str]
"""An origin and the path before the API's own."""


def same(address: object, origin: Origin) -> bool:
    """Whether a gateway's address is this one: this machine's names are all one."""
    try:
        place, _ = Origin.parse(str(address))
    except ValueError:
        return False
    alike = place.host == origin.host or (is_loopback(place.host) and is_loopback(origin.host))
    return alike and place.port == origin.port


def behind(origin: Origin, gateways: Sequence[Told]) -> Place | None:
    """Whom calls end up at that are sent to this address, through as many of the user's gateways as there are.

    None where none of them is proved to listen there, or where they lead to each other.
    """
    found: Place | None = None
    for _ in gateways:
        one = next((each for each in _proved(gateways) if same(each.get("address"), origin)), None)
        if one is None:
            return found
        found = _upstream(one)
        if found is None:
            return None
        origin = found[0]
    return None if any(same(one.get("address"), origin) for one in _proved(gateways)) else found


def carrying(gateways: Sequence[Told], preferred: str) -> Place | None:
    """Whom the gateway that carries calls sends them to; None where none does.

    Of several the one that holds calls, then the one with this upstream, then the one with most under way.
    """
    busy = [one for one in _proved(gateways) if any(_load(one))]
    if not busy:
        return None

    def rank(one: Told) -> tuple[float, ...]:
        held, *rest = _load(one)
        return float(held > 0), float(one.get("upstream") == preferred), held, *rest

    upstream = _upstream(max(busy, key=rank))
    return None if upstream is None else behind(upstream[0], gateways) or upstream


def _proved(gateways: Sequence[Told]) -> Iterable[Told]:
    return (one for one in gateways if one.get("answers") is not False)


def _load(one: Told) -> tuple[float, float, float]:
    """Calls that are held, that are under way, and attempts of the last minutes."""
    recent = one.get("recent")
    models = recent.get("models") if isinstance(recent, Mapping) else None
    tried = (
        [each.get("tried") for each in models if isinstance(each, Mapping)]
        if isinstance(models, list)
        else []
    )
    return _number(one.get("held")), _number(one.get("running")), sum(map(_number, tried))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e9 else 0.0


def _upstream(one: Told) -> Place | None:
    try:
        return Origin.parse(str(one.get("upstream")))
    except ValueError:
        return None
