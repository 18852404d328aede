# Goes through an iterator for longer than the deadline, in C alone. ends: killed
import collections
import itertools

collections.deque(itertools.repeat(0, 10**11), maxlen=0)
outcome = "did it: nothing ended it"
