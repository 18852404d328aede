# Reads the secret in a folder whose name begins with the allowed folder's.
outcome = tried(lambda: secret_in(read(given["beside"])))
