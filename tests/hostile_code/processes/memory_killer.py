# Writes what it reads into the supervisor's score for the end of memory.


def attempt():
    path = f"/proc/{given['supervisor']}/oom_score_adj"
    score = read(path)
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, score)
    return f"score {score.decode().strip()}"


outcome = tried(attempt)
