# Lists the supervisor's working folder by /proc.
import os

outcome = tried(
    lambda: first_of(lambda pid=pid: f"{len(os.listdir(f'/proc/{pid}/cwd/'))} entries" for pid in supervisors())
)
