"""Is it me or them? Checks measure, each on its own; the verdict follows from what they found."""
