"""Archives read one picture at a time: nothing is unpacked to disk, and nothing in them is trusted.

``kinds`` says from its bytes what a file is, ``zips`` and ``tars`` yield what is in it, ``packing`` undoes gzip, bzip2
and xz, ``entry`` holds what they share: the limits, the names that are refused, and what was found.
"""
