# Tries: a line break and an escape sequence in the name of the folder, on which nbgrader ends the command for everybody.
# Ends: nobody of that name is graded, and the log says why; the others are.
# called: two\nlines\x1b]0;pwned\x07
# ran: no
