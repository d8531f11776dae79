# Tries: a script in the name of the folder, which the formgrader puts into its pages as it is.
# Ends: nobody of that name is graded, and the log says why; the others are.
# stock: not tried, only the formgrader shows it
# called: <img src=x onerror=window.pwned=1>
# ran: no
