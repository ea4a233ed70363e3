"""The dashboard: one page on the gateway's own address, and the JSON that it shows."""
