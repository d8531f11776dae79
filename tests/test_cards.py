"""A card says each thing once, and shows code as code."""

import pytest

from autograder.judge.cards import as_html, as_text, in_code
from autograder.judge.verdict import Row, Verdict


def wrong(*rows: Row, message: str = "") -> Verdict:
    return Verdict("double", "wrong", 0.0, 2.0, message, rows)


def test_what_stands_between_backticks_is_code_and_stays_escaped():
    verdict = wrong(Row("a", False, "It lacks `x < y`."), message="Call `f(x)`, not `<b>`. One ` alone stays.")
    card = as_html(verdict, with_code=True)
    assert "Call <code>f(x)</code>, not <code>&lt;b&gt;</code>. One ` alone stays." in card and "It lacks <code>x &lt; y</code>." in card
    assert "Call `f(x)`, not `&lt;b&gt;`." in as_html(verdict)  # in a graded notebook
    assert "<b>`" not in card and "Call `f(x)`, not `<b>`." in as_text(wrong(message="Call `f(x)`, not `<b>`."))


def test_a_feedback_page_shows_code_as_code_and_leaves_pictures_alone():
    card = as_html(wrong(message="Call `f(x)`."))
    picture = "<svg><text>`a` and `b`</text></svg>"
    assert in_code(card + picture + "<td>`c`</td>") == card.replace("`f(x)`", "<code>f(x)</code>") + picture + "<td><code>c</code></td>"


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("The sign is wrong.", ["see above", "see above", ""]),
        ("a: The sign is wrong. One small change makes it right.", ["see above", "see above", ""]),
        ("Another thing.", ["The sign is wrong.", "as a", ""]),
    ],
)
def test_a_wrong_value_is_never_left_without_a_reason_and_none_is_said_twice(message, said):
    rows = (Row("a", False, "The sign is wrong."), Row("b", False, "The sign is wrong."), Row("c", True))
    lines = as_text(wrong(*rows, message=message)).splitlines()[2:]
    assert lines == [f"  {'right' if name == 'c' else 'wrong'}  {name}  {note}".rstrip() for name, note in zip("abc", said)]


def test_a_part_of_a_tuple_bears_one_name_everywhere():
    rows = (Row("[0]", True, called="value 1 (stoi)"), Row("[1]", False, "It is turned round.", called="value 2 (itos)"))
    card = as_html(wrong(*rows, message="value 2 (itos): It is turned round."))
    assert "value 1 (stoi)" in card and "[0]" not in card and card.count("value 2 (itos)") == 2
