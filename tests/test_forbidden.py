"""``forbid`` sees what Python sees: what the check calls, and what that reaches, by scope and by time."""

import os
import signal
import subprocess
import time

import pytest
import torch
from conftest import TINY, daily
from hostile import started_by

from autograder.commands.demo_class import solution_texts
from autograder.course.lecture import read_lecture
from autograder.course.notebook import source_notebook
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.fence import _says_the_same, has_use_for_autograd
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.judge.forbidden import Notebook, importable
from autograder.judge.run_time import KNOWN
from autograder.runner import jail, reading
from autograder.runner.job import Cell, Result
from autograder.runner.reading import Asked
from autograder.wall.record import Draw, Failure, Record

FORBIDDEN = ("backward", "autograd", "set_grad_enabled")
CHECK = 'check("f", lambda g: f(g))'


def said(answer: str, *before: str, after: tuple[str, ...] = (), files: dict[str, bytes] | None = None, check: str = CHECK) -> str | None:
    """What is said of an answer with other cells of the student's in front of it, or behind its check."""
    cells = ["import torch\nimport torch.nn.functional as F\nfrom torch import Tensor", *before, answer, check, *after]
    return Notebook(cells, importable(files or {})).refusal(FORBIDDEN, [len(before) + 2])


def left(source: str, files: dict[str, bytes] | None = None) -> str:
    """What of another cell runs when the points are given."""
    return Notebook([source], importable(files or {})).without(FORBIDDEN, set())[0][0]


def f(body: str) -> str:
    return "def f(x):\n" + "\n".join(f"    {line}" for line in body.split("\n"))


def test_a_check_that_ran_before_condemns_nobody():
    """What a check itself defines and uses is the course's own, however often a student runs it."""
    check = "def probe(g):\n    x = g\n    x.backward()\n    return f(x)\ncheck('f', probe)"
    cells = [f("return 2 * x"), check, "print('a look')", check]
    assert Notebook(cells).refusal(FORBIDDEN, [3]) is None
    helper = "def helper(x): x.backward()"
    assert Notebook([helper, f("return helper(x)"), check, f("return 2 * x"), check]).refusal(FORBIDDEN, [4]) is None
    assert Notebook([helper, f("return 2 * x"), check, f("return helper(x)"), check]).refusal(FORBIDDEN, [4]) is not None
    assert Notebook([f("return x.backward()"), check, check]).refusal(FORBIDDEN, [2]) is not None


USES = [
    (f("x.backward()"), []),
    (f("return torch.autograd.grad(x, x)"), []),
    (f("from torch import autograd as a\nreturn a"), []),
    ("import torch.autograd\n" + f("return torch.autograd"), []),
    ("from torch.autograd import grad\n" + f("return grad(x, x)"), []),
    (f("getattr(x, 'backward')()"), []),
    (f("for n in 'a backward'.split():\n    getattr(x, n)"), []),
    ("from operator import attrgetter as g\n" + f("return g('backward')(x)"), []),
    (f("match x:\n    case Tensor(backward=b):\n        b()"), []),
    (f("return torch._log_softmax_backward_data(x, x, 1, x.dtype)"), []),
    (f("return torch.ops.aten.tanh_backward(x, x)"), []),
    ("from torch import _log_softmax_backward_data as b\n" + f("return b(x)"), []),
    (f("with torch.set_grad_enabled(True):\n    return x"), []),
    (f("return helper(x)"), ["def helper(x):\n    x.backward()"]),
    (f("return helper(x)"), ["%time helper = torch.Tensor.backward"]),
    (f("return helper(x)"), [">>> helper = torch.Tensor.backward"]),
    (f("return helper(x)"), ["%%time\nhelper = torch.Tensor.backward"]),
    (f("return helper(x)"), ["if 1:\n    def helper(x):\n        x.backward()"]),
    (f("return g(x)"), ["def g(x):\n    return h(x)", "h = lambda x: x.backward()"]),
    (f("return table[0]"), ["def make():\n    return torch.autograd.grad(1, 1)", "table = [make()]", "def make(): pass"]),
    (f("return helper(x)"), ["def put():\n    global helper\n    helper = lambda x: x.backward()", "put()", "def helper(x): return x\nput()"]),
    ("@instead\n" + f("return x"), ["def slope(x): x.backward()", "def instead(f): return slope"]),
    (f("return x.slope()"), ["Tensor.slope = lambda x: x.backward()"]),
    (f("return x") + "\nf = slope", ["def slope(x): x.backward()"]),
]


@pytest.mark.parametrize("answer, others", USES)
def test_a_forbidden_name_is_found_in_what_the_answer_reaches(answer, others):
    assert "is to be solved without it" in said(answer, *others)


MADE = "'back' + 'ward'"
AT_RUN_TIME = [
    f(f"getattr(x, {MADE})()"),
    "def f(x, name):\n    return getattr(x, name)",
    f(f"for n in [{MADE}]:\n    getattr(x, n)()"),
    f(f"for n in ('C', 'W'):\n    n = {MADE}\n    getattr(x, n)"),
    f(f"for n in ('C', 'W'):\n    [getattr(x, n) for _ in (1,) if (n := {MADE})]"),
    f("for n in ('C', 'W'):\n    pass\nreturn getattr(x, n2)"),
    f("global n\nfor n in ('C', 'W'):\n    change()\n    getattr(x, n)"),
    f(f"def zip(*a): return [({MADE}, 1)]\nfor n, m in zip(('a',), (1,)):\n    getattr(x, n)"),
    f(f"for a, n in [(1, *({MADE},)), (1, 'C')]:\n    getattr(x, n)"),
    "class A:\n    for n in ('C', 'W'):\n        def f(self, x):\n            return getattr(x, n)\nf = A().f",
    "for n in ('C', 'W'):\n    change()\n    y = getattr(x, n)\n" + f("return y"),
    f("return [y for y in getattr(x, n) for n in ('C', 'W')]"),
    "get = getattr\n" + f("return get(x, name)"),
    f("return getattr(x, 'a')") + "\ngetattr = 1\ndel getattr\n" + f(f"return getattr(x, {MADE})"),
    "import builtins as b\n" + f("return b.getattr(x, name)"),
    "from builtins import getattr as g\n" + f("return g(x, name)"),
    "from operator import attrgetter as g\n" + f(f"return g({MADE})(x)"),
    "import sys\n" + f("sys._getframe().f_locals['n'] = 1"),
    f(f"class A:\n    __match_args__ = ({MADE},)"),
    f("class M(type):\n    def __instancecheck__(self, other):\n        return True"),
    f("return object.__getattribute__(x, 'a')"),
    f("return torch.no_grad.__init__.__globals__"),
    f("return vars(torch)[x]"),
    f("return torch.__dict__[x]"),
    f("return take(torch, x)"),
    f(f"%time getattr(x, {MADE})()"),
    f("y = !python helper.py {x}"),
    f("%run helper.py"),
    f(f"torch.os.system('python -c ' + {MADE})"),
    f(f"torch.jit.CompilationUnit({MADE})"),
    "from torch.utils.benchmark import Timer\n" + f("Timer('x').timeit(1)"),
    "import functools\n" + f(f"functools.update_wrapper(x, x, [{MADE}])"),
    f("torch._C._ImperativeEngine().run_backward((x,), (x,), False, False, (x,), True, True)"),
    "from torch._functorch.apis import grad\n" + f("return grad(x)"),
    f("return eval('1')"),
    "y = locals()\n" + f("return y"),
]


@pytest.mark.parametrize("answer", AT_RUN_TIME)
def test_a_name_that_is_made_at_run_time_could_be_any(answer):
    assert "made at run time" in said(answer)


BY_AUTOGRAD = "y = torch.autograd.grad(x, x)[0]"
FREE = [  # answer, cells in front of it, cells behind its check
    ("# no backward here\n" + f("return x"), [], []),
    (f('"""Not backward()."""\nprint("backward")\n"autograd"\nassert x, "backward"\nreturn x'), [], []),
    (f("backward = 2 * x\nautograd = backward + 1\nreturn autograd"), [], []),
    (f("y = 2 * x\nreturn y"), [BY_AUTOGRAD], [BY_AUTOGRAD]),
    ("def f(y):\n    return 2 * y", [BY_AUTOGRAD], []),
    (f("return helper(x)"), ["helper = torch.autograd.grad", "def helper(x): return x"], []),
    (f("return helper(x)"), ["def helper(x): return x"], ["helper = torch.autograd.grad"]),
    (f("return x") + "\nf(1).backward()", [], []),
    (f("return backward(x)"), ["def backward(x):\n    return 2 * x"], []),
    (f("return x"), [f("x.backward()")], []),
    (f("with torch.set_grad_enabled(False):\n    return x"), [], []),
    ("from __future__ import annotations\nimport sys, os, copy, pickle\n" + f("return copy.deepcopy(x)"), [], []),
    ("import functools, dataclasses, heapq, queue, graphlib, contextlib\n" + f("return functools.reduce(max, heapq.nsmallest(1, x))"), [], []),
    ("import sys\n" + f("print(sys.getrecursionlimit(), file=sys.stderr)\nreturn x"), [], []),
    ("import os\n" + f("return os.path.join('a', 'b')"), [], []),
    (f("load = fx = package = open = x\nreturn load"), [], []),
    (f("dx = 2 * x\nreturn {k: v for k, v in locals().items()}"), [], []),
    (f("return vars(x)['inputs']"), [], []),
    (f("x.__dict__['grad'] = 1.0"), [], []),
    ("class f:\n    def __init__(self, x):\n        self.x = [n for n in vars(self).items()]", [], []),
    (f("for n in ('C', 'W'):\n    x = x + getattr(x, n)\nreturn x"), [], []),
    (f("return {n: getattr(x, n) for n in ['C', 'W'] if getattr(x, n).any()}"), [], []),
    (f("for n, op in [('dh', 'matmul'), ('dW', 'mm')]:\n    getattr(torch, op)(x, x)"), [], []),
    (f("for i, n in enumerate('C W'.split()):\n    getattr(x, n)"), [], []),
    (f("for n, v in x.named_parameters():\n    setattr(x, n, 2 * v)"), [], []),
    (f("return hasattr(x, 'backward')"), [], []),
    ("from operator import attrgetter, itemgetter\n" + f("return sorted(x, key=attrgetter('data'))"), [], []),
    ("%%time\n" + f("return x"), [], []),
    ("%matplotlib inline\n!pip list\n" + f("return x"), [], []),
    (f("return rows(x)"), ["if True:\n    def rows(n):\n        return n\n    z = torch.zeros(3)\n    z.sum().backward()"], []),
    (f("return words"), ["words = open('names.txt').read().splitlines()"], []),
    ("def broken(", [], []),
]


@pytest.mark.parametrize("answer, before, after", FREE)
def test_what_only_looks_like_it_is_not(answer, before, after):
    assert said(answer, *before, after=tuple(after)) is None


def test_the_message_names_the_true_cell_and_line():
    assert said(f("return helper(x)"), "a = 1\n\n\ndef helper(x):\n    x.sum()\n    x.backward()") == (
        "`backward` stands in line 6 of the cell that begins with `a = 1`, which your answer uses; this exercise is to be solved without it."
    )


def test_what_a_comparing_branch_holds_is_told_even_if_it_never_runs():
    assert "`backward` stands in line 3" in said(f("return total(x)"), "def total(x, compare=False):\n    if compare:\n        x.backward()\n    return x")


def test_a_module_that_nobody_has_read_is_refused_where_it_is_used():
    for answer in ("import helper\n" + f("return helper.g(x)"), "from helper import g\n" + f("return g(x)"), f("import helper")):
        assert "with Python's own modules, NumPy, PyTorch" in said(answer)
    assert said("import helper\n" + f("return x")) is None


def test_a_file_beside_the_notebook_is_read():
    answer = "from helper import g\n" + f("return g(x)")
    assert said(answer, files={"helper.py": b"def g(x):\n    return 2 * x\n"}) is None
    assert "line 2 of helper.py" in said(answer, files={"helper.py": b"def g(x):\n    x.backward()\n"})
    through = {"helper.py": b"from other import g\n", "other.py": b"def g(x):\n    x.backward()\n"}
    assert "line 2 of other.py" in said(answer, files=through)
    assert "NumPy" in said(answer, files={"helper.pyc": b""})
    assert "give your own file another" in said("import heapq\n" + f("return heapq.g(x)"), files={"heapq.py": b"def g(x): pass\n"})
    assert left("import helper\nx = 1", through) == "pass\nx = 1"


SET_ASIDE = [
    ("y = 1\nexec('...')\nz = 2", "y = 1\npass\nz = 2"),
    ("y = 1\rexec('...')\r\nz = 2", "y = 1\npass\nz = 2"),
    ("import torch, helper\nx = 1", "import torch\nx = 1"),
    ("@decorated\ndef f(x):\n    x.backward()\nx = 1", "pass\n\n\nx = 1"),
    ("x = 1; y.backward(); z = (1,\n2); y.backward(\n); a = 2\nb = 3", "x = 1; pass; z = (1,\n2); pass; a = 2\n\nb = 3"),
    ("if a:\n    x.backward()\nelif b:\n    y = 1", "if a:\n    pass\nelif b:\n    y = 1"),
    ("if a:\n    y = 1\nelif eval('b'):\n    z = 1\nc = 1", "pass\n\n\n\nc = 1"),
    ("for i in a:\n    w = 1\n    w.backward()\nprint(w.grad)\ny = 1", "for i in a:\n    w = 1\n    pass\nprint(w.grad)\ny = 1"),
    ("g = torch.autograd.grad(x, y)\nprint(g)\ndef compare(): return g\ncompare()\ny = 1", "pass\npass\npass\npass\ny = 1"),
    ("def g(): x.backward()\ng()\ng = 1\nprint(g)", "pass\npass\ng = 1\nprint(g)"),
    ("import warnings; warnings.filterwarnings('ignore')\ndef rows(n): return n", None),
    ("import copy, sys\nnet = copy.deepcopy(example)\nsys.setrecursionlimit(9)", None),
    ("%time y = f(x)\n%run helper.py", "y = f(x)\npass"),
    ("%matplotlib inline\nx = 1", "pass\nx = 1"),
    ("# backward\nx = 'backward'", None),
    (">>> y = 1\n>>> exec('...')", "y = 1\npass"),
    ("%%bash\nrm -r x", "pass"),
    ("broken(", ""),
    ("-" * 100_000 + "1", ""),
]


@pytest.mark.parametrize("source, kept", SET_ASIDE, ids=[source[:20] for source, _ in SET_ASIDE])
def test_what_could_do_the_forbidden_for_an_answer_is_set_aside_and_no_more(source, kept):
    assert left(source) == (source if kept is None else kept)


def test_code_that_is_too_deep_to_be_read_is_told():
    assert "nested too deeply" in said("def f(x):\n    return " + "-" * 100_000 + "1")


HOSTILE = {
    "a chain of names": "def never():\n    return x" + ".a" * 980,
    "IPython's transformer without end": ">>> 1\n" + "?a\n" * 600,
    "IPython's transformer stumbles": '!ls\\\n\u2028=%"""1',
    "slow for IPython": ">>> 1\n" + "?a\n" * 400 + "x = 1\n" * 3400,
    "one statement of many names": "=".join(f"_{n}" for n in range(20_000)) + "=0",
    "many meanings of a name": "if 1: x=1\n" * 5000 + "def g(): return x\n" * 5000,
    "many modules of a name": "".join(f"from a import b{n} as x\n" for n in range(3000)) + "y = [" + "x.b, " * 20_000 + "]",
    "many loops": "def g():\n" + "".join(f"  for n in ('a{n}',): getattr(x, n)\n" for n in range(4000)),
    "many functions in a call": "g(" + ",".join(f"lambda: a{n}, a{n}" for n in range(8000)) + ")",
    "many to set aside": "eval;" * 20_000,
    "blanks": "%who\na" + " " * 200_000 + "b",
}


DAILY = ("a chain of names", "IPython's transformer without end", "IPython's transformer stumbles", "many meanings of a name", "many functions in a call")


@pytest.mark.parametrize("kind", daily(DAILY, HOSTILE))
def test_no_text_costs_more_than_its_length(kind):
    begun = time.process_time()
    read = Notebook([HOSTILE[kind], f("return (_1, x, y, g, never)"), CHECK])
    read.refusal(FORBIDDEN, [2])
    read.without(FORBIDDEN, {2})
    assert time.process_time() - begun < 10  # a second or two; each took minutes, or raised, when it was looked through again and again


def test_every_kind_of_module_that_may_be_imported_is_known():
    assert {"torch", "numpy", "copy", "graphlib", "__future__", "heapq"} <= KNOWN and "helper" not in KNOWN


# through grading itself


@pytest.fixture(scope="module")
def by_hand(tiny, runner):
    """Grades the tiny lecture with an answer to ``by_hand``, and cells in front of it; its verdict."""
    cells = read_lecture(tiny.solution(TINY), tiny.lecture(TINY))
    answers = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY))

    def graded(answer: str, *before: str, files: dict[str, bytes] | None = None):
        from nbformat.v4 import new_code_cell

        notebook = source_notebook(TINY, tiny.lecture(TINY), cells)
        for name, text in {**solution_texts(tiny, TINY), "by_hand": answer}.items():
            for cell in notebook.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{name}_answer":
                    cell.source = text
        place = next(i for i, c in enumerate(notebook.cells) if c.metadata.get("nbgrader", {}).get("grade_id") == "by_hand_answer")
        notebook.cells[place:place] = [new_code_cell(text) for text in before]
        return grade(notebook, files or {}, tiny, TINY, answers, runner).verdicts["by_hand"]

    return graded


ANSWER = "def by_hand(x):\n    y = rows(x)\n    return y + y"
SCRATCH = """import warnings; warnings.filterwarnings('ignore')
y = torch.ones(2, requires_grad=True)
y.sum().backward()
print(y.grad.abs().max())
for row in y.grad:
    print(row)
def rows(x):
    return x
"""


def test_a_comparison_in_the_same_cell_as_a_helper_costs_nothing(by_hand):
    verdict = by_hand(ANSWER + "\n\ny = torch.ones(2, requires_grad=True)\n(y * y).sum().backward()\nprint(y.grad - by_hand(y))", SCRATCH)
    assert (verdict.status, verdict.message) == ("correct", "")


def test_an_answer_that_lives_on_what_is_set_aside_is_told_where_that_was(by_hand):
    table = "table = {}\ntable['x'] = eval('lambda x: 2 * x')"
    verdict = by_hand("def by_hand(x):\n    return table['x'](x)", table)
    assert verdict.points == 0 and "and without those statements" in verdict.message
    assert "such as line 2 of the cell that begins with `table = {}`" in verdict.message


def test_a_wrong_answer_beside_a_comparison_is_told_its_own_cause_alone(by_hand):
    verdict = by_hand("def by_hand(x):\n    return 3 * x", SCRATCH)
    assert verdict.points == 0 and "without" not in verdict.message


def test_a_file_that_a_cell_writes_takes_the_place_of_no_module(by_hand):
    write = "open('graphlib.py', 'w').write('def g(x):\\n    return 2 * x')\nimport graphlib"
    assert by_hand("def by_hand(x):\n    return graphlib.g(x)", write).points == 0


def test_the_card_says_what_is_not_allowed(tiny):
    cells = source_notebook(TINY, tiny.lecture(TINY), read_lecture(tiny.solution(TINY), tiny.lecture(TINY))).cells
    (card,) = [c.source for c in cells if c.source.startswith("### A gradient by hand")]
    assert "**Not allowed** in your answer, nor in anything that it calls" in card and "`backward`, `autograd`" in card


def test_reading_ends_when_its_time_is_up(monkeypatch):
    """And says so, of each exercise that asked; whatever the reader answers is bounded."""
    asked = [Asked(FORBIDDEN, (2,)), Asked(("backward",), (2,))]
    cells = ["x = 1\n" * 120_000, f("return 2 * x"), CHECK]
    monkeypatch.setattr(reading, "SECONDS", 1)
    with reading.NameReader(unsafe=False) as reader:
        assert [found.refused for found in reader.read(cells, {}, {2}, asked)] == [reading.TOO_LONG] * 2
        assert [found.refused for found in reader.read(["x = 1", f("return 2 * x"), CHECK], {}, {2}, asked)] == [None] * 2  # the next one's is read
    monkeypatch.setattr(reading, "SECONDS", 20)
    monkeypatch.setattr(reading, "MAX_ANSWER", 100)
    with reading.NameReader(unsafe=False) as reader:
        assert [found.refused for found in reader.read(cells[1:], {}, {1}, asked)] == [reading.TOO_LONG] * 2


def test_a_reader_that_does_not_start_accuses_nobody(monkeypatch):
    """Else a whole class would be told that its code is too long."""
    monkeypatch.setattr(reading, "SECONDS", "none")  # what it is started with is no number
    with reading.NameReader(unsafe=False) as reader, pytest.raises(UserError, match="Names cannot be looked for here"):
        reader.read([f("return 2 * x"), CHECK], {}, {1}, [Asked(FORBIDDEN, (1,))])


def test_a_reader_that_somebody_killed_is_started_again():
    asked, cells = [Asked(FORBIDDEN, (1,))], [f("return 2 * x"), CHECK]
    with reading.NameReader(unsafe=False) as reader:
        first = reader.read(cells, {}, {1}, asked)
        for process in [*started_by(reader.process.pid), reader.process.pid]:
            os.kill(process, signal.SIGKILL)
        assert reader.read(cells, {}, {1}, asked) == first


@pytest.mark.parametrize("unsafe", [False, True], ids=["in a jail", "without"])
def test_what_is_read_elsewhere_is_what_is_read_here(unsafe):
    cells = ["helper = torch.autograd.grad", f("return helper(x)"), "y = 2", CHECK]
    read = Notebook(cells)
    texts, aside = read.without(FORBIDDEN, {3})
    changed = {str(number): text for number, text in enumerate(texts) if text != cells[number]}
    expected = reading.Read(refused=read.refusal(FORBIDDEN, [3]), changed=changed, aside=True, blame=read.blamed(FORBIDDEN, [3], aside))
    with reading.NameReader(unsafe) as reader:
        assert [reader.read(cells, {}, {3}, [Asked(FORBIDDEN, (3,))]) for _ in range(2)] == [[expected]] * 2
    assert expected.refused and expected.changed


def test_the_reader_has_nothing_else():
    """No answers and no cases of others: in its jail stand only what reads, and the files of the interpreter."""
    look = "import os; print(sorted(os.listdir('/kit/autograder')))"
    with jail.command(["-c", look], 1, ("judge", "wall")) as command:
        said = subprocess.run(command.arguments, env={}, pass_fds=command.descriptors, stdout=subprocess.PIPE, text=True, check=True).stdout
    assert said == "['__init__.py', 'judge', 'wall']\n"


def handed_in(tiny, **answers: str):
    """The reference's notebook with other answers."""
    notebook = source_notebook(TINY, tiny.lecture(TINY), read_lecture(tiny.solution(TINY), tiny.lecture(TINY)))
    for name, text in {**solution_texts(tiny, TINY), **answers}.items():
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == f"{name}_answer":
                cell.source = text
    return notebook


@pytest.mark.parametrize(
    ("slope", "hand", "runs"),
    [
        (None, None, [True, False]),  # the reference's slope is found by autograd
        ("def slope(x):\n    return 2 * x", None, [False]),
        ("def slope(x):\n    return 2 * x", "def by_hand(x):\n    return 3 * x", [False]),
        ("def slope(x):\n    return 2 * x", "def by_hand(x):\n    return x.no_such_method()", [False]),
        ("def slope(x):\n    return 2 * x\ntry:\n    torch.ones(1, requires_grad=True).sum().backward()\nexcept RuntimeError:\n    slope = None", None, [True, False]),
    ],
)
def test_where_nothing_asks_for_a_gradient_one_run_tells_what_two_would(tiny, runner, monkeypatch, slope, hand, runs):
    notebook = handed_in(tiny, **{name: text for name, text in (("slope", slope), ("by_hand", hand)) if text})
    answers = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY))
    files = {path.name: path.read_bytes() for path in tiny.weights(TINY).glob("*.safetensors")}
    seen: list[bool] = []
    run = runner.run
    monkeypatch.setattr(runner, "run", lambda job: seen.append(job.autograd) or run(job))

    def told():
        graded = grade(notebook, files, tiny, TINY, answers, runner)
        return graded.verdicts, [[{**output, "traceback": None} for output in cell.outputs] for cell in graded.cells]

    once = told()
    assert seen[: len(runs)] == runs and not any(seen[len(runs) :])
    monkeypatch.setattr("autograder.grading.submission.has_use_for_autograd", lambda *_: True)
    assert told() == once
    assert once[0]["slope"].status == "correct" and (once[0]["by_hand"].status == "correct") is (hand is None)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("def f(dlogits):\n    gradient = dlogits / 32  # of the mean\n    return torch.nn.functional.pad(gradient, (1, 0))", False),
        ("with torch.no_grad():\n    W -= 0.1 * dW", False),
        ("%matplotlib inline\nbackward_linear_tanh(1)", False),
        ("loss.backward()", True),
        ("w = torch.ones(2, requires_grad=True)", True),
        ("print(W.grad)", True),
        ("model = torch.nn.Linear(2, 2)\nprint(model.weight)", True),
        ("import torch.nn as layers", True),
        ("from torch import optim", True),
        ("g = torch.func.grad(f)", True),
        ("getattr(loss, 'back' + 'ward')()", True),
        ("loss.\uff42ackward()", True),  # a wide b, which Python takes for a b
        ("from torch import func as f\nf.linearize(g, x)", True),
        ("from torch import autograd as A\nA.functional.hvp(g, x, v)", True),
        ("import runpy\nrunpy.run_path('cells.txt')", True),
        ("exec(text)", True),
        ("%run other.ipynb", True),
        ("torch._C._something()", True),
        ("class Word(str):\n    __match_args__ = ('x',)", True),
    ],
)
def test_what_could_ask_for_a_gradient_is_seen(text, asks):
    assert has_use_for_autograd([Cell(text)], {}) is asks
    assert has_use_for_autograd([Cell("x = 1")], {"helper": text}) is asks
    assert has_use_for_autograd([Cell("x = 1")], {"helper": None})
    assert has_use_for_autograd([Cell("loss.backward()", given=True)], {}) and not has_use_for_autograd([Cell("globals()", given=True)], {})


WORDS = ("a", "\n", " ", "_", "__a", "autograd ", ". ", "\ufdfa", "__init__", "\u0301\u0323")


@pytest.mark.parametrize("text", [word * (500_000 // len(word)) for word in WORDS], ids=range(len(WORDS)))
def test_looking_for_it_takes_no_longer_than_the_text(text):
    begun = time.process_time()
    has_use_for_autograd([Cell(text)], {})
    assert time.process_time() - begun < 5  # what grows with its square takes hours


def test_two_runs_need_one_verdict_only_where_they_handed_over_the_same():
    def result(*values, facts=None, name="e", failure=None, refused=None) -> Result:
        record = Record(name, tuple(Draw({"out": value}, failure=failure) for value in values), facts or {})
        return Result([], {name: record}, refused or {})

    one = result(torch.ones(2), 3)
    assert _says_the_same(one, result(torch.ones(2), 3), "e")
    others = [result(torch.ones(2), 4), result(torch.ones(2), 3.0), result(torch.ones(2, dtype=torch.float64), 3), result(torch.ones(2)), result(torch.ones(2), 3, name="f")]
    others += [result(torch.ones(2), 3, facts={"steps": 1}), result(torch.ones(2), 3, refused={"e": "too large"}), Result([])]
    others += [result(torch.ones(2), 3, failure=Failure("ValueError", "x")), result(torch.tensor([1.0, 2.0]), 3)]
    assert not any(_says_the_same(one, other, "e") or _says_the_same(other, one, "e") for other in others)
