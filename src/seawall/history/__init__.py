"""What the records say: episodes, how long they last, at what hours. Pure: rows and the time in, facts out."""
