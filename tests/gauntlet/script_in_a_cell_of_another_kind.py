# Tries: a written answer and a text handed in as code cells, an answer as Markdown with an attachment, a raw cell of HTML: who turns them back cleans nothing.
# Ends: the last step cleans what is about to be written, whatever it was before; the answer that is no code any more is not attempted.
# files: prose_as_code
# answer: double append
# points: pieces=0
# says: had become a code cell
