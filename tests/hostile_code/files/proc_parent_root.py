# Reads the secret by the supervisor's root in /proc.
outcome = tried(
    lambda: first_of(lambda pid=pid: secret_in(read(f"/proc/{pid}/root{given['secret']}")) for pid in supervisors())
)
