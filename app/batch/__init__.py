"""Any number of pictures -> a table with one row each, in order: ``inputs -> run or ray -> output``.

``inputs`` names what there is to read, ``run.reader`` answers a chunk of it in whatever process or machine it runs,
``run.local`` and ``ray.engine`` keep many readers busy and their answers in order, ``output`` writes them so that a
crash loses nothing, and ``after`` scores the finished table. ``app.predict`` is the command around them.
"""
