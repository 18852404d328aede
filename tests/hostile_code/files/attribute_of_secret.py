# Reads attributes of a file that is not to be read.
def attempt():
    return f"it has {os.listxattr(given['secret'])!r}"


outcome = tried(attempt)
