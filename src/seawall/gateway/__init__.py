"""One request's life, from a client's connection to the last byte of its answer."""
