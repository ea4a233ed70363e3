"""What is said when a connection cannot be made."""

from seawall.causes.evidence import Fault


class DialError(Exception):
    """A connection that could not be made: which fault, and one sentence that holds no credential."""

    def __init__(self, fault: Fault, text: str) -> None:
        super().__init__(text)
        self.fault = fault
        self.text = text
