# Tries: the kit's own record, session and encoder, so that the check hands over what the attacker likes.
# Ends: whatever is handed over has to have the right values, and these it does not know.
# stock: not tried, stock has no kit that could be patched
# points: double=0 pieces=0 slope=0 by_hand=0 train_tiny=0
import autograder.student.check
import autograder.wall.record
import autograder.student.session

autograder.student.check.draw_from = lambda value: autograder.wall.record.Draw({"": "right"})
autograder.wall.record.plain_tensor = lambda value: value * 0
autograder.student.session.Facts.rules = lambda self, exercise: None
autograder.student.session.seeds_from = lambda *a: {}
double = lambda x: x
