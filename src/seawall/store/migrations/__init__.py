"""How each schema becomes the next. A new one is `versions/rNNNN_title.py` and one entry in `store.version`.

Revisions are written by hand with names and types spelled out: they must go on working when `store.schema`
has moved on. Tests prove that the last one agrees with it. There is no way back: an older Seawall leaves a
newer file alone.
"""
