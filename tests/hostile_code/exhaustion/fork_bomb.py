# Forks children that sleep, up to `children_max`, in its own process group. ends: limited
outcome = tried(crowd)
