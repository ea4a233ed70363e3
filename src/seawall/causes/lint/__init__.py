"""What the API would refuse in the body of a messages request, found before it is sent."""
