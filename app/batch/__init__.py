"""Any number of pictures -> a table with one true row each, in order: ``inputs -> engine of readers -> table``.

``inputs`` names what there is to read, ``reader`` answers a chunk of it in whatever process or machine it runs,
``local`` (or ``cluster``) keeps many readers busy and their answers in order, ``table`` writes them so that a crash
loses nothing. ``app.predict`` is the command around them.
"""
