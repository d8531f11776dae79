"""The kit's own cells around a lecture: how this works, whether the right package is installed, and handing in.

And the first line of each code cell, which tells a student's own from what is locked.
"""

from __future__ import annotations

from autograder.course.schema import Lecture

OWN = "kit-"  # before the grade_id of a cell that the kit puts around every lecture; no exercise can be called so
INSTALLED, HAND_IN = f"{OWN}installed", f"{OWN}hand-in"
HANDED_IN = "-handin.zip"  # behind a lecture's name: what the last cell makes
UNWRITTEN = "YOUR ANSWER HERE"  # nbgrader's, in place of a written answer
YOUR_CODE = "# Your code: {exercise}"
CHECK = "# Check (locked): run it when `{exercise}` is written"
TRAINING = "# Training (locked): run it when `{exercise}` is written"
GIVEN = "# Given (locked): run it as it is"

IS_IT_INSTALLED = f"""{GIVEN}
try:
    from autograder import check
except ImportError:  # the package is missing, or another project of the same name has taken its place
    from glob import glob

    clone = ["-c ../../constraints.txt -e ../.."] if glob("../../constraints.txt") else []
    found = [*glob("zero_to_hero_autograder-*.whl"), *glob("../zero_to_hero_autograder-*.whl"), *clone, "THE_WHL_FILE_OF_YOUR_COURSE"]
    error = ImportError(
        "The package zero-to-hero-autograder is not installed here, or another project, which is called autograder as well, "
        "was installed in its place. Run these two lines in a cell, and restart the kernel:\\n\\n"
        f"%pip uninstall -y autograder zero-to-hero-autograder\\n%pip install {{found[0]}}"
    )
    error._render_traceback_ = lambda: [str(error)]  # the sentence alone
    raise error from None"""

MAKE_HAND_IN = """# Hand in (locked): save the notebook (Ctrl-S), then run this
from autograder import hand_in

hand_in()"""


def how_it_works(name: str, lecture: Lecture) -> str:
    """The first cell of a lecture's notebook, in ten lines or less.

    Args:
        name: of the lecture.
    """
    exercises = lecture.exercises
    trained = [f"`{exercise}.safetensors`" for exercise, rules in exercises.items() if rules.loss]
    written = any(rules.written for rules in exercises.values())
    lines = [
        "**Write** in the cells that begin with `# Your code`, in the place of `raise NotImplementedError(…)`, and run the **check** below. "
        "After a restart of the kernel run what stands above first (menu Run, *Run All Above Selected Cell*).",
        "The **card** says whether it is right, and what went wrong; the line below it, what comes next.",
        "**Hints** unfold under each task. The last one is close to the answer.",
        "Cells that say **(locked)** stay as they are. Cells of your own may stand anywhere: they run, too, but an answer belongs in its own cell.",
        "A check calls your function by its **probe**, which draws inputs from `g`, a random generator. Grading draws others: "
        "only code that is right in general earns its points.",
        '**Shapes** stand in the types: `Float[Tensor, "n d"]` is a tensor of floats with n rows and d columns, `Int` is one of whole numbers.',
    ]
    if trained:
        lines.append(
            f"**`fit`** trains a model and keeps it beside this notebook, in {', '.join(trained)}. Stop it whenever you want, and run the cell again to go on."
        )
    if written:
        lines.append(f"**Questions** are answered in words, in the place of `{UNWRITTEN}` (a double click opens the cell). A person reads them.")
    lines.append(
        f"**Hand in** the one file that the last cell makes, `{name}{HANDED_IN}`{': it holds the trained models, too' if trained else ''}. "
        "The command that it shows runs all from top to bottom in a terminal, as grading does, and says what points to expect: "
        "the final word for those who learn alone."
    )
    lines.append(
        "**Google Colab**: upload all files of this folder, and run first, in a cell of your own: "
        "`%pip install --no-deps zero_to_hero_autograder-*.whl jaxtyping wadler-lindig`"
    )
    return "\n".join(["**How this works**", "", *(f"{number}. {line}" for number, line in enumerate(lines, 1))])
