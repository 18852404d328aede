# Reads the file that it may only read.
outcome = tried(lambda: read(given["read_only"]))
