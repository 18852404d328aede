# Asks for `memory_cap` bytes at once. ends: limited
outcome = tried(lambda: f"{len(bytearray(given['memory_cap']))} bytes")
