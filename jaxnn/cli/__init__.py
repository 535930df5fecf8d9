"""The command line: thin commands over the library, for people and for scripts.

app          the commands and their exit codes
study        a data set made ready: rows, scaling, arrays
options      what may be tuned, and how it is written: 1e-4:1e-1, 32,64,128
progress     what is seen while it runs
scoring      scores on rows that took no part in choosing
results      the run folder: trials.csv, recipe.json, report, model
"""
