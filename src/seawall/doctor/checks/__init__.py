"""One check a file; a new file is found by itself. Each has a `CHECK`, and its docstring is its page."""
