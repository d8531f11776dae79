import pytest
import torch
from conftest import TINY

from autograder.course.names import SYMBOLS, contexts_of, names_of
from autograder.grading.secret import hidden_facts
from autograder.judge.forbidden import MODULES, forbidden_use, without_forbidden
from autograder.runner.job import Cell, Job
from autograder.student.names import load_names


@pytest.mark.parametrize("context", [1, 2, 3, 8])
def test_contexts_are_those_of_the_plain_loop(course, context):
    words = load_names(course.names).dev[:300]
    X, Y = [], []
    for word in words:
        window = [0] * context
        for letter in word + ".":
            X.append(list(window))
            Y.append(SYMBOLS.index(letter))
            window = [*window[1:], Y[-1]]
    contexts, targets = contexts_of(words, context)
    assert torch.equal(contexts, torch.tensor(X)) and torch.equal(targets, torch.tensor(Y))


def test_the_names_give_the_known_numbers_of_predictions(course):
    names = load_names(course.names)
    assert [len(names.contexts(split, 3)[1]) for split in ("train", "dev", "test")] == [183_802, 22_949, 23_053]


def test_a_line_that_is_no_name_is_told_with_its_number():
    with pytest.raises(ValueError, match="names.txt:2: 'Bob' is not a lower-case name"):
        names_of("ann\nBob\n", "names.txt", 1)


def test_contexts_are_the_callers_own(course):
    names = load_names(course.names)
    names.contexts("dev", 2)[0].zero_()
    assert names.contexts("dev", 2)[0].any()


FORBIDDEN = ("backward", "autograd")
USES = [
    ("loss.backward()", []),
    ("torch.autograd.grad(a, b)", []),
    ("from torch import autograd as a", []),
    ("import torch.autograd", []),
    ("getattr(loss, 'backward')()", []),
    ("match loss:\n    case Tensor(backward=b):\n        b()", []),
    ("%time loss.backward()", []),
    ("torch._log_softmax_backward_data(g, p, 1, g.dtype)", []),
    ("t = torch\nt.ops.aten.tanh_backward(g, y)", []),
    ("from torch import _log_softmax_backward_data as f", []),
    (">>> loss.backward()", []),
    ("def f(x):\n    return helper(x)", ["def helper(x):\n    x.backward()"]),
    ("def f(x):\n    return g(x)", ["def g(x):\n    return h(x)", "h = lambda x: x.backward()"]),
]


@pytest.mark.parametrize("answer, others", USES, ids=[answer[:30] for answer, _ in USES])
def test_a_forbidden_name_is_found(answer, others):
    assert "is to be solved without it" in forbidden_use(answer, others, FORBIDDEN)


MADE = "'back' + 'ward'"
AT_RUN_TIME = [
    f"getattr(loss, {MADE})()",
    "def f(x, name):\n    return getattr(x, name)",
    f"for n in [{MADE}]:\n    getattr(loss, n)()",
    f"def f(x):\n    for n in ('C', 'W'):\n        n = {MADE}\n        getattr(x, n)",
    f"def f(x):\n    for n in ('C', 'W'):\n        [getattr(x, n) for _ in (n := {MADE},)]",
    "def f(x):\n    for n in ('C', 'W'):\n        pass\n    return getattr(x, n2)",
    "def f(x):\n    global n\n    for n in ('C', 'W'):\n        change()\n        getattr(x, n)",
    "class A:\n    for n in ('C', 'W'):\n        def f(self, x):\n            return getattr(x, n)",
    "for n in ('C', 'W'):\n    change()\n    getattr(x, n)",
    "def f(x):\n    return [y for y in getattr(x, n) for n in ('C', 'W')]",
    "get = getattr\nget(loss, name)",
    "import builtins as b\nb.getattr(loss, name)",
    "from builtins import getattr as g",
    "from operator import attrgetter as g",
    "import sys\nsys._getframe().f_locals['n'] = 1",
    f"class A:\n    __match_args__ = ({MADE},)",
    "match loss:\n    case A(b):\n        b()",
    f"%time getattr(loss, {MADE})()",
    "%run helper.py",
    "x = !python helper.py",
    f"torch.os.system('python -c ' + {MADE})",
    f"torch.jit.CompilationUnit({MADE})",
    "torch._C._ImperativeEngine().run_backward((y,), (g,), False, False, (x,), True, True)",
    "from torch._functorch.apis import grad",
]


@pytest.mark.parametrize("answer", AT_RUN_TIME)
def test_a_name_that_is_made_at_run_time_could_be_any(answer):
    assert "made at run time" in forbidden_use(answer, [], FORBIDDEN)


HARMLESS = [
    ("# no backward here\nx = 1", []),
    ('def backward_tanh(x):\n    """Not backward()."""\n    return x', []),
    ("class Tanh:\n    def f(self, x):\n        return self.backward_tanh(x)", []),
    ("y = 2 * x", ["loss.backward()  # to compare with"]),
    ("%timeit x\ndef f(x):\n    return x", []),
    ("def broken(", []),
    ("def f(x):\n    for n in ('C', 'W'):\n        x = x + getattr(x, n)", []),
    ("def f(x):\n    return {n: getattr(x, n) for n in ['C', 'W'] if getattr(x, n).any()}", []),
    ("def f(x):\n    for n, v in x.named_parameters():\n        setattr(x, n, 2 * v)", []),
]


@pytest.mark.parametrize("answer, others", HARMLESS, ids=[answer[:30] for answer, _ in HARMLESS])
def test_what_only_looks_like_it_is_not(answer, others):
    assert forbidden_use(answer, others, FORBIDDEN) is None


def test_a_module_that_nobody_has_looked_through_is_refused():
    for answer in ("import helper", "from helper import f", "from . import f", "import torch, helper"):
        assert "with autograder, collections" in forbidden_use(answer, [], FORBIDDEN)


def test_no_file_of_a_student_takes_the_place_of_a_module_that_may_be_imported(tiny, runner):
    """Each is loaded before a submission begins, so that Python does not look for it beside the notebook."""
    files = {f"{module}.py": b"print('LOOT')" for module in MODULES}
    cell = Cell("\n".join(f"import {module}" for module in MODULES))
    facts = hidden_facts(tiny, TINY).to_json()
    result = runner.run(Job([cell], files, facts, tiny.course.limits.model_dump()))
    assert result.cells[0].ran and result.cells[0].outputs == []


SET_ASIDE = [
    ("y = 1\nexec('...')\nz = 2", "y = 1\n\nz = 2"),
    ("y = 1\rexec('...')\r\nz = 2", "y = 1\n\nz = 2"),
    ("import torch, helper\nx = 1", "import torch\nx = 1"),
    ("@decorated\ndef f(x):\n    x.backward()\nx = 1", "\n\n\nx = 1"),
    ("%time y = f(x)\n%run helper.py", "%time y = f(x)\n"),
    ("broken(", "broken("),
    ("# backward\nx = 1", "# backward\nx = 1"),
    (">>> y = 1\n>>> exec('...')", "y = 1\n\n"),
    ("%%bash\nrm -r x", "\n"),
    (">>> y = 1", ">>> y = 1"),
    ("-" * 100_000 + "1", ""),
]


@pytest.mark.parametrize("source, kept", SET_ASIDE, ids=[source[:20] for source, _ in SET_ASIDE])
def test_what_might_do_the_forbidden_for_an_answer_is_set_aside(source, kept):
    assert without_forbidden(source, FORBIDDEN) == kept
