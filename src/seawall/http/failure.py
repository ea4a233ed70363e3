"""What is said when a connection cannot be made."""

from seawall.causes.evidence import Evidence, Fault, Phase


class DialError(Exception):
    """A connection that could not be made: which fault, and one sentence that holds no credential, without its
    full stop.

    `lasting`: it will fail in the same way until somebody changes something.
    """

    def __init__(self, fault: Fault, text: str, *, lasting: bool = False) -> None:
        super().__init__(text)
        self.fault = fault
        self.text = text.removesuffix(".")
        self.lasting = lasting

    @property
    def evidence(self) -> Evidence:
        """The failed attempt as facts."""
        return Evidence(Phase.CONNECT, fault=self.fault, should_retry=False if self.lasting else None)
