"""Archives read one picture at a time: nothing is unpacked to disk, and nothing in them is trusted.

``sniff`` recognizes a file by its bytes, ``zips`` and ``tars`` yield its entries, ``compression`` undoes gzip,
bzip2 and xz, and ``entry`` holds what they share: the entries found, their limits, and the names that are refused.
"""
