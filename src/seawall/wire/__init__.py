"""The Messages API as values. No sockets."""
