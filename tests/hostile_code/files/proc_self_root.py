# Reads the secret by /proc/self/root.
outcome = tried(lambda: secret_in(read("/proc/self/root" + given["secret"])))
