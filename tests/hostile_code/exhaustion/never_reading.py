# Takes nothing of what is sent to it. ends: interrupted
time.sleep(given["seconds"])
outcome = "did it: nothing ended it"
