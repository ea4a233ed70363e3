"""What can go wrong, as data: a cause is `party.condition`."""
