"""What a kernel's cells leave behind is what a fresh kernel would have: answers that were renamed, replaced, moved or never run again."""

import os
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat

from autograder.student.cells import Cells
from autograder.student.own_notebook import Saved, read_saved
from autograder.student.standing import Standing

ANSWERED = "# Your code: embed\ndef embed(x):\n    return x"


class Kernel:
    """A shell without IPython, and who watches its cells.

    Args:
        before: what ran before anybody watched.
    """

    def __init__(self, before: tuple[str, ...] = ()) -> None:
        self.handlers, self.names = {}, {}
        for text in before:
            exec(text, self.names)
        events, history = SimpleNamespace(register=self.handlers.setdefault), SimpleNamespace(input_hist_raw=list(before))
        self.cells = Cells(SimpleNamespace(user_ns=self.names, events=events, history_manager=history))

    def run(self, text: str, cell: str = "x", broken: Exception | None = None, failed: BaseException | None = None) -> None:
        info = SimpleNamespace(raw_cell=text, cell_id=cell)
        self.handlers["pre_run_cell"](info)
        if broken is None and failed is None:
            exec(text, self.names)
        self.end(text, cell, broken, failed)

    def end(self, text: str, cell: str = "x", broken: Exception | None = None, failed: BaseException | None = None) -> None:
        info = SimpleNamespace(raw_cell=text, cell_id=cell)
        self.handlers["post_run_cell"](SimpleNamespace(info=info, error_before_exec=broken, error_in_exec=failed))


def saved_as(*cells: tuple[str, str]) -> Saved:
    """A notebook, saved in a minute from now, of cells by their grade_id and text."""
    told = [{"source": text, "cell_type": "code", "outputs": [], "metadata": {"nbgrader": {"grade_id": name}} if name else {}} for name, text in cells]
    return Saved(Path("x.ipynb"), told, time.time() + 60)


def test_an_answer_that_imports_the_kit_itself_is_not_older_than_the_notebook(tmp_path):
    """It runs already when its cells begin to be watched."""
    kernel = Kernel()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("def f(): ...", metadata={"nbgrader": {"grade_id": "f_answer"}})])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    os.utime(tmp_path / "a.ipynb", (time.time() - 60,) * 2)
    kernel.end("from autograder import check\ndef f(): return 1")
    assert not kernel.cells.edited("f", read_saved(tmp_path / "a.ipynb"))
    os.utime(tmp_path / "a.ipynb", (time.time() + 60,) * 2)
    assert kernel.cells.edited("f", read_saved(tmp_path / "a.ipynb"))


def test_an_answer_that_ran_under_another_name_is_not_said_to_have_stopped():
    """Its error of an earlier text is no reason any more."""
    kernel = Kernel()
    cells = kernel.cells

    def ran(text: str, **ended: BaseException) -> None:
        kernel.run(f"# Your code: vocabulary\n{text}", **ended)

    ran("def vocabulary(words):\nreturn 1", broken=SyntaxError("expected an indented block"))
    assert "it stops with SyntaxError" in cells.stopped("vocabulary", "run this check again") and cells.instead("vocabulary") == ""
    ran("def vocab(words):\n    return 1", failed=KeyboardInterrupt())
    assert "SyntaxError" in cells.stopped("vocabulary", "run this check again")
    ran("def vocab(words):\n    return 1")
    assert cells.stopped("vocabulary", "run this check again") == ""
    said = "The cell of `vocabulary` ran, but defines `vocab` and not `vocabulary`. Name it `vocabulary`, run it, then this one again."
    assert cells.instead("vocabulary") == said and cells.instead("other") == ""
    ran("def vocabulary(words):\n    return 1")
    assert cells.instead("vocabulary") == ""


def test_what_an_earlier_text_of_an_answer_has_defined_is_gone_with_it():
    """As in a fresh kernel: no check judges an answer that does not stand there any more."""
    kernel = Kernel()
    cells, names, ran = kernel.cells, kernel.names, kernel.run
    ran("# Your code: batchnorm_eval\nclass BatchNorm1d: pass\ndef bent(x): return x\ndef kept(x): return x")
    ran("def kept(x): return 2 * x")  # a cell of the student's own
    ran("# Your code: batchnorm_eval\nclass Batchnorm1d: pass")
    assert "BatchNorm1d" not in names and "bent" not in names and names["kept"](1) == 2
    said = "An earlier text of the cell of `batchnorm_eval` defined `BatchNorm1d`; now it defines `Batchnorm1d`. Is the name mistyped?"
    assert cells.instead("BatchNorm1d").startswith(said)
    ran("# Your code: batchnorm_eval\nclass BatchNorm1d: pass")
    assert "BatchNorm1d" in names and "Batchnorm1d" not in names and cells.instead("BatchNorm1d") == ""
    ran("# Your code: batchnorm_eval\ndef helper(x): return x", cell="y")  # beside it, with a copied first line
    assert "BatchNorm1d" in names and "helper" in names
    ran("print")
    assert "BatchNorm1d" in names


def test_what_ran_before_the_kit_was_there_is_known_too():
    cells, saved = Kernel(before=(ANSWERED,)).cells, saved_as(("embed_answer", ANSWERED.replace("return x", "return 2 * x")))
    assert cells.edited("embed", saved) == "embed" and cells.answers["embed"] == ANSWERED


def test_an_answer_that_a_cell_has_replaced_that_is_gone_is_not_called_edited():
    kernel, saved = Kernel(), saved_as(("embed_answer", ANSWERED))
    cells, run = kernel.cells, kernel.run
    run(ANSWERED)
    assert cells.replaced("embed", saved) == ""
    run("def embed(x):\n    return 3", cell="y")
    assert cells.replaced("embed", saved) == "embed" and cells.replaced("embed", replace(saved, when=time.time() - 60)) == ""  # it is not saved yet
    run(ANSWERED)
    assert cells.replaced("embed", saved) == "" and cells.edited("embed", saved) == ""


def test_an_answer_below_its_check_is_known():
    stub = '# Your code: embed\ndef embed(x):\n    raise NotImplementedError("embed")'
    own = "def embed(x):\n    return x"
    kernel, saved = Kernel(), saved_as(("embed_answer", stub), ("embed", "check"), ("", own))
    kernel.run(stub)
    kernel.run(own, cell="y")
    assert kernel.cells.below("embed", saved) == "embed"
    kernel, saved = Kernel(), saved_as(("embed_answer", own), ("embed", "check"), ("", own))
    kernel.run(own)
    assert kernel.cells.below("embed", saved) == ""
    assert saved.is_in_check("embed", f"{own}\ncheck('embed', embed)") and not saved.is_in_check("embed", "check(1)")


def test_an_answer_that_changed_since_its_check_does_not_count_as_right(course):
    """Told by the text of the cell: the same text run once more changes nothing."""
    kernel = Kernel()
    cells, ran = kernel.cells, kernel.run
    ran("# Your code: bigram_counts\ndef bigram_counts(words):\n    return 1")
    ran("x = 1")
    ran("# Your code: bigram_counts\ndef bigram_counts(words):\n    return 1\n")
    assert not cells.changed
    ran("# Your code: bigram_counts\ndef bigram_counts(words):\n    return 2")
    assert cells.changed == {"bigram_counts"}
    rules = course.lecture("lecture_1_trigram").exercises
    standing = Standing(rules, {"bigram_counts": ("correct", 2.0), "mean_nll": ("correct", 1.0)}, cells.changed)
    assert standing.right == ["mean_nll"] and standing.ordinary[0] == 1.0
    cells.changed.discard("bigram_counts")
    assert standing.right == ["bigram_counts", "mean_nll"] and standing.ordinary[0] == 3.0
