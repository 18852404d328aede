# Puts a key into the keyring of its process.
outcome = tried(
    lambda: f"key {call('add_key', b'user', b'circlet-hostile', b'x', 1, -2)}",
    lacking=(
        "EPERM",
        "ENOSYS",
    ),
)
