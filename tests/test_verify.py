"""``autograder verify`` says that all is well when it is, and only then."""

import json
import re
import shutil
from typing import Any

import pytest
import torch
from conftest import ROOT, TINY, copy_course
from hostile import ATTACKS, Listeners, hand_in_attack
from test_skipping import skip

from autograder.commands.cli import main
from autograder.commands.demo_class import solution_texts
from autograder.commands.parity import _same, differences
from autograder.commands.verify import NO_HINT, NO_MISTAKE, NO_OTHER, prove, prove_one, verify
from autograder.course.directory import load_course
from autograder.errors import UserError
from autograder.grading.answer_key import answer_key
from autograder.grading.secret import hidden_facts
from autograder.grading.submission import grade
from autograder.plugin.bounded import read_notebook
from autograder.plugin.incoming import plain_files

LECTURES = list(load_course(ROOT / "course.yml").course.lectures)
WORST = [  # two for each lecture: what would be felt by whoever is graded next, if anything of it were left; none after which a new runner starts
    *("walks_frames_and_gc", "patches_the_kit", "disk_filler", "traces_the_warm_process"),
    *("kills_everything", "memory_hog", "fork_bomb", "hooks_imports_and_traces"),
    *("patches_comparisons", "becomes_root", "broken_frames", "open_files"),
]


@pytest.mark.parametrize(("lecture", "attacks"), [pytest.param(name, n, marks=[] if n == 1 else pytest.mark.slow) for name in LECTURES for n in (1, 2)])
def test_every_lecture_proves_itself(lecture, attacks, course, runner, released, attack_with):
    """Reference 100 %, stub 0 and not attempted, every mistake named by its own sentence, every variant accepted.

    All in the process that has just graded attacks.
    """
    assert len(attack_with(WORST[2 * LECTURES.index(lecture) :][:attacks])) == attacks
    attacked = runner.process
    report = prove(course, lecture, runner, released, own_check=False)
    assert report.all_faults == [] and runner.process is attacked
    for exercise in report.exercises:
        assert exercise.variants >= 1 and exercise.oracles >= 1, exercise.exercise
        assert exercise.mistakes >= 1 or course.lecture(lecture).exercises[exercise.exercise].loss, exercise.exercise


@pytest.fixture(scope="module")
def attack_with(tiny, tmp_path_factory, runner):
    """Grades the attacks of these names; the names of those it has graded."""
    folder = tmp_path_factory.mktemp("attacks")
    shutil.copytree(tiny.released(TINY), folder / "release" / TINY)
    listeners, solutions = Listeners(folder), solution_texts(tiny, TINY)
    answers, limits = answer_key(tiny, TINY, runner, hidden_facts(tiny, TINY)), tiny.course.limits

    def attack(names: list[str]) -> list[str]:
        done = []
        for attack in (attack for attack in ATTACKS if attack.name in names):
            target = hand_in_attack(tiny, folder, attack.name, attack, solutions, listeners)
            try:
                notebook = read_notebook((target / f"{TINY}.ipynb").read_bytes())
            except ValueError:  # refused before it reaches a runner
                continue
            files = {path.name: path.read_bytes() for path in plain_files(target, limits)}
            grade(notebook, files, tiny, TINY, answers, runner)
            done.append(attack.name)
        return done

    yield attack
    listeners.close()


@pytest.fixture
def own(tmp_path, tiny):
    """A built tiny course that a test may break."""
    return copy_course(tiny, tmp_path)


def test_an_unbroken_course_has_no_faults(own, runner):
    assert verify(own, TINY, runner).all_faults == []


def test_what_nothing_proves_is_noted_and_is_no_fault(own, runner):
    course, path = skip(own.root, "slope", "by_hand", "train_tiny", "why"), own.solution(TINY)
    cells = re.split(r"(?m)^(?=# %%)", path.read_text())
    path.write_text("".join(cell for cell in cells if not re.match(r'# %% (?:mistake|variant|oracle)="double"', cell)))
    report = prove_one(course, TINY, "double", runner, other=runner)
    assert report.all_faults == [] and report.notes == [f"double: {note}" for note in (NO_HINT, NO_MISTAKE, NO_OTHER)]
    assert prove_one(course, TINY, "pieces", runner, other=runner).notes == [f"pieces: {NO_HINT}"]


def faults_after(course, runner, old: str, new: str, exercise: str = "double") -> list[str]:
    """What ``verify --exercise`` finds when a line of the lecture is another one. The exercises that no such line belongs to are left out."""
    course, path = skip(course.root, "slope", "by_hand", "train_tiny", "why"), course.solution(TINY)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return prove_one(course, TINY, exercise, runner, other=runner).all_faults


def test_a_broken_solution_is_found_by_its_variant_in_the_whole_as_in_the_one(own, runner):
    found = faults_after(own, runner, 'return {"sum": x.sum(1), "mean"', 'return {"sum": x.sum(0).sum() + x.sum(1), "mean"', "pieces")
    assert "variant 1 gets" in " ".join(found)
    every = verify(load_course(own.root / "course.yml"), TINY, runner, own_check=False).exercises
    assert found == [f"{report.exercise}: {fault}" for report in every for fault in report.faults]


def test_a_broken_solution_is_found_by_its_oracle(own, runner):
    with pytest.raises(UserError, match="the oracle of 'double' and the reference do not agree: AssertionError"):
        faults_after(own, runner, "    return 2 * x\n", "    return 3 * x\n")


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        ("1 / (seed == first); return double(torch.randn(3, 4, generator=g))", "fails its own probe for draw 2 of 2 (ZeroDivisionError"),
        ("return {str(seed): double(torch.randn(3, 4, generator=g))}", "returns other names for draw 2 of 2 than for draw 1"),
    ],
)
def test_a_probe_that_suits_only_some_draws_is_found(own, runner, probe, said):
    """For those draws nobody could be right."""
    text = "first = None\ndef probe(g):\n    global first\n    seed = g.initial_seed()\n    first = first or seed\n    "
    with pytest.raises(UserError, match=re.escape(said)):
        faults_after(
            own,
            runner,
            'check("double", lambda g: double(torch.randn(3, 4, generator=g)))',
            f'{text}{probe}\ncheck("double", probe)',
        )


def a_third_daily(cases: dict[str, Any]) -> list[Any]:
    """Each builds and proves a lecture; all of them in the slow run."""
    rows = ((case, *(told if isinstance(told, tuple) else (told,))) for case, told in cases.items())
    return [pytest.param(*row, marks=pytest.mark.slow if number % 3 else []) for number, row in enumerate(rows)]


DRAWN = 'check("double", lambda g: double(torch.randn(3, 4, generator=g)))'
PROBES = {  # what stands in the check -> what is said of it; nothing where it is in order
    "lambda g: double(torch.randn(3, 4))": "the answers change although the probe's generator does not",
    "lambda g: double(torch.randn(3, 4, generator=g) + torch.rand(3, 4))": "the answers change although",
    "lambda g: double(torch.tensor([[random.random()]]))": "the answers change although",
    "lambda g: double(torch.from_numpy(np.random.randn(3, 4)))": "the answers change although",
    "lambda g: double(torch.tensor([[time.perf_counter_ns() % 1e6]]))": "the answers change although",
    "lambda g: {'a': double(torch.randn(2, generator=g)), 'b': double(torch.randn(2))}": "the answers change although",
    "lambda g, cases=itertools.count(1): double(torch.full((1, 1), float(next(cases))))": "the hidden ones are the public ones, in their order",
    "lambda g, own=torch.Generator().manual_seed(1): double(torch.randn(3, 4, generator=own))": "the hidden ones are the public ones",
    "lambda g: double(torch.arange(3.0).view(3, 1))": "the answers to all draws are equal",
    "lambda g: double(torch.arange(3.0) + torch.rand(1, generator=g))": "",
    "lambda g: double(torch.from_numpy(np.random.default_rng(g.initial_seed()).normal(size=3)))": "",
    "lambda g: (torch.manual_seed(int(torch.randint(9**9, (1,), generator=g))), double(torch.randn(3)))[1]": "",
}


@pytest.mark.parametrize(("probe", "said"), a_third_daily(PROBES))
def test_a_probe_that_draws_from_elsewhere_than_its_generator_is_found(own, runner, probe, said):
    """Where a check draws is seen in the answers: once more with all other random numbers changed, and with another generator."""
    faults = faults_after(own, runner, DRAWN, f'import itertools, random, time\nimport numpy as np\ncheck("double", {probe})')
    if said:
        assert faults[0].startswith(f"double: solutions/{TINY}.py:29: ") and said in faults[0]
    else:
        assert faults == []


def test_an_answer_that_depends_on_more_than_its_inputs_is_found(own, runner):
    """Another right answer need not draw as many numbers, or in this order."""
    faults = faults_after(own, runner, 'return {"sum": x.sum(1), "mean": x.mean(1)}', 'return {"sum": x.sum(1), "mean": x.mean(1) + torch.rand(3)}', "pieces")
    assert "the answers change although the probe's generator does not" in faults[0]


@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="another library multiplies matrices here, which has one way of rounding")
def test_an_answer_that_hangs_on_how_a_processor_rounds_is_found(own, runner):
    """A student's right answer would be wrong on another machine."""
    rounding = "1e6 * float(1.0 - (big := torch.linspace(-1, 1, 3001)) @ big / (big.double() @ big.double()))"
    path = own.solution(TINY)
    path.write_text(path.read_text().replace('"mean": x.mean(1)}', f'"mean": x.mean(1) + {rounding}}}', 1))
    pieces = next(report for report in verify(own, TINY, runner, own_check=False).exercises if report.exercise == "pieces")
    assert "it hangs on how a processor rounds" in pieces.faults[0]
    assert prove_one(own, TINY, "pieces", runner).all_faults == [f"pieces: {fault}" for fault in pieces.faults]


TYPOS = {  # in a mistake -> the line and what is said
    "return x * y": (35, "NameError (name 'y' is not defined)"),
    "return x.squared()": (35, "AttributeError ("),
    "x = x\n    return torch.square(x, 2, 3)": (36, "TypeError ("),
    "return x.view(5, 5)": (35, "RuntimeError (shape '[5, 5]' is invalid"),
    "from torch import sqare\n    return sqare(x)": (35, "ImportError ("),
    "return {1: {2: object()}}": (33, "The answer cannot be read ("),
}


@pytest.mark.parametrize(("typo", "line", "said"), a_third_daily(TYPOS))
def test_a_mistake_that_only_crashes_is_found(own, runner, typo, line, said):
    faults = faults_after(own, runner, "return x * x", typo)
    assert faults[0].startswith(f"double: solutions/{TINY}.py:{line}: this mistake ends in {said}")


@pytest.mark.slow
def test_a_mistake_that_returns_nothing_is_found(own, runner):
    assert ":33: this mistake returns nothing" in faults_after(own, runner, "return x * x", "x * x")[0]


@pytest.mark.slow
def test_a_mistake_that_returns_nothing_is_found_where_the_check_takes_its_result_apart(own, runner):
    path = own.solution(TINY)
    path.write_text(path.read_text().replace("return x * x", "x * x", 1))
    faults = faults_after(own, runner, "lambda g: double(torch.randn(3, 4, generator=g))", "lambda g: double(torch.randn(3, 4, generator=g)).sum()")
    assert any(":33: this mistake returns nothing" in fault for fault in faults)


def raising(course, raises: str) -> None:
    path = course.solution(TINY)
    header = '# %% mistake="double" says="You squared'
    path.write_text(re.sub(f"({re.escape(header)}.*)", rf'\1 raises="{raises}"', path.read_text()))


@pytest.mark.slow
def test_a_mistake_may_end_in_the_exception_of_its_header(own, runner):
    raising(own, "RuntimeError")
    assert faults_after(own, runner, "return x * x", "return x @ x") == []


@pytest.mark.slow
def test_a_mistake_that_ends_in_another_exception_than_its_header_says_is_found(own, runner):
    raising(own, "RuntimeError")
    assert ":35: this mistake ends in NameError" in faults_after(own, runner, "return x * x", "return x @ y")[0]


def test_a_mistake_that_does_not_end_as_its_header_says_is_found(own, runner):
    raising(own, "RuntimeError")
    (fault,) = faults_after(own, runner, "return x * x", "return x * x  # by itself")
    assert ":33: by its header this mistake ends in RuntimeError, but for 5 of 5 draws it returns something" in fault


def test_a_mistake_that_is_right_is_found(own, runner):
    assert "this mistake gets full marks: You squared" in " ".join(
        faults_after(own, runner, "return x * x", "return x + x")
    )


def test_two_mistakes_that_cannot_be_told_apart_are_found(own, runner):
    assert "this mistake returns the same as another one, which says 'You added two" in " ".join(
        faults_after(own, runner, "return _right(x) / 2 + 2", "return x * x")
    )


@pytest.mark.slow
def test_a_check_whose_answers_depend_on_nothing_is_found(own, runner):
    """Whoever reads the public ones has them all."""
    faults = faults_after(own, runner, "double(torch.randn(3, 4, generator=g))", "double(torch.arange(3.0).view(3, 1))")
    assert f"double: solutions/{TINY}.py:29: the answers to all draws are equal" in " ".join(faults)


@pytest.mark.slow
def test_a_variant_that_is_wrong_is_found(own, runner):
    (fault,) = faults_after(own, runner, "return x + x", "return x + x + 1")
    assert fault.startswith(f"double: solutions/{TINY}.py:42: variant 1 gets 0 of 2 points")


def test_a_stub_changed_by_hand_is_found(own, runner):
    path = own.released(TINY) / f"{TINY}.ipynb"
    notebook = json.loads(path.read_text())
    cell = next(c for c in notebook["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == "double_answer")
    cell["source"] = ["def double(x):\n", "    return 2 * x\n"]
    path.write_text(json.dumps(notebook))
    said = " ".join(verify(own, TINY, runner, own_check=False).all_faults)
    assert "the stub differs from the lecture file" in said and "double: the stub is correct with 2 points" in said


@pytest.mark.slow
def test_public_answers_changed_by_hand_are_found(own, runner):
    path = own.released(TINY) / "expected.safetensors"
    data = bytearray(path.read_bytes())
    data[-3] ^= 0xFF
    path.write_bytes(data)
    assert "the public answers differ" in " ".join(verify(own, TINY, runner, own_check=False).all_faults)


def test_one_exercise_is_proved_by_its_name(own, capsys):
    file = str(own.root / "course.yml")
    assert main(["--course", file, "verify", TINY, "--exercise", "double"]) == 0
    assert "1 exercise, 2 mistakes, 1 variant" in capsys.readouterr().out
    assert main(["--course", file, "verify", TINY, "--exercise", "duoble"]) == 1 and main(["--course", file, "verify", TINY, "--exercise", "why"]) == 1
    assert "Did you mean 'double'?" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_ends_with_1_and_names_the_fault(own, capsys):
    (own.released(TINY) / "expected.safetensors").unlink()
    assert main(["--course", str(own.root / "course.yml"), "verify"]) == 1
    assert f"assignments/{TINY}/expected.safetensors is missing: run `autograder build {TINY}`" in capsys.readouterr().out


@pytest.mark.slow
def test_a_stub_that_is_no_notebook_is_a_sentence(own, capsys):
    (own.released(TINY) / f"{TINY}.ipynb").write_text("{}")
    assert main(["--course", str(own.root / "course.yml"), "verify"]) == 1
    assert "is not a notebook" in capsys.readouterr().err


@pytest.mark.slow
def test_an_own_check_that_says_something_else_than_grading_is_found(own, runner):
    """Here a student still has the answers of yesterday, when the exercise gave fewer points."""
    assert differences(own, TINY, runner, own.root / "assignments")["double"][1] == []
    path = own.root / "course.yml"
    path.write_text(path.read_text().replace("title: Double a tensor, points: 2", "title: Double a tensor, points: 3"))
    changed = load_course(path)
    compared, different = differences(changed, TINY, runner, own.root / "assignments")["double"]
    assert compared > len(different) == 2  # the reference and the variant; mistakes have 0 points of either
    assert "says of the reference 'correct' with 2 points, '', grading 'correct' with 3 points" in different[0]


@pytest.mark.slow
def test_a_lecture_proves_itself_behind_all_attacks(course, runner, released, attack_with):
    assert len(attack_with([attack.name for attack in ATTACKS])) > 40
    assert prove(course, LECTURES[1], runner, released, own_check=False).all_faults == []


def test_two_mistakes_that_return_the_same_are_both_told_so(own, runner):
    twin = '    return x * x\n\n\n# %% mistake="double" says="Something else was meant."\ndef double(x):\n    return x**2\n'
    first, second = faults_after(own, runner, "    return x * x\n", twin)
    assert first.startswith(f"double: solutions/{TINY}.py:33: this mistake returns the same as another one, which says 'Something else was meant.'")
    assert ":38: this mistake returns the same as another one" in second and second.endswith("Something else was meant.")


@pytest.mark.parametrize(
    ("own", "same"),
    [
        (["wrong", 0.0, "It differs.", [], []], True),
        (["wrong", 0.0, "It differs. One small change makes it right.", [], []], True),
        (["wrong", 0.0, "It is different.", [], []], False),
        (["partly correct", 1.0, "It differs. One small change makes it right.", [], []], False),
        (["wrong", 0.0, "It differs. You squared it.", ["You squared it."], []], False),
        (None, False),
    ],
)
def test_a_check_may_tell_more_than_grading_only_of_what_mends_an_answer(own, same):
    assert _same(own, ["wrong", 0.0, "It differs.", [], []]) is same
