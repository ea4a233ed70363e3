"""The kinds of endpoint behind the gateway; answers and faults become evidence here."""
