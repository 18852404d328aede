# Makes a control group, and removes it.


def attempt():
    folders = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/pids")

    def made(folder):
        path = os.path.join(folder, f"circlet-hostile-{os.getpid()}")
        os.mkdir(path)
        os.rmdir(path)
        return path

    return first_of(lambda folder=folder: made(folder) for folder in folders)


outcome = tried(attempt, lacking=("ENOENT", "EROFS", "EACCES", "EPERM"))
