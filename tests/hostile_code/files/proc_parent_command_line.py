# Reads the supervisor's command line by /proc.
outcome = tried(lambda: first_of(lambda pid=pid: read(f"/proc/{pid}/cmdline")[:40] for pid in supervisors()))
