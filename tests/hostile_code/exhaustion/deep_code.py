# Compiles an expression of a hundred thousand brackets. ends: killed
try:
    compile("(" * 100_000 + ")" * 100_000, "deep", "eval")
    outcome = "did it: it was compiled"
except (SyntaxError, MemoryError, RecursionError) as error:
    outcome = f"did it: {type(error).__name__}"
