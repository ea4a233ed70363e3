"""What is remembered, and the one writer that writes it."""
