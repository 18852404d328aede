# Asks for the keyring of the login session.
outcome = tried(lambda: f"keyring {call('keyctl', 0, -3, 0, 0, 0)}", lacking=("EPERM", "ENOSYS", "ENOKEY"))
