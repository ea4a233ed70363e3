"""HTTP/1.1 on asyncio protocols. Bytes pass through; whatever is ambiguous is refused."""
