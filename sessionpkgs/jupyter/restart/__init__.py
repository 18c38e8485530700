"""Restart in place: a new Python in the same kernel process; queued cells run there, and no front end notices.

What is private to ipykernel is in ``channel`` and ``arriving``, and looked at before anything is changed.
"""
