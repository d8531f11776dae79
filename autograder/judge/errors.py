"""An exception as a student reads it: Python's own words, the student's own line, and what they mean where they always mean the same."""

from __future__ import annotations

import ast
import re

from autograder.wall.record import Failure

WITH_PLACES = "max|min|median|nanmedian|mode|sort|topk|kthvalue|cummax|cummin"  # functions of torch's that return values and indices

# What an exception's words say, in plain ones: only what is true whenever they are said. Groups of the pattern stand in the sentence.
MEANINGS: tuple[tuple[str, str], ...] = (
    (
        r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)",
        "The left matrix has {0} columns and the right one {1} rows; for @ these two must be equal.",
    ),
    (
        r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d+)",
        "Two tensors do not fit together: in dimension {2} one has {0} elements, the other {1}. Print both shapes.",
    ),
    (
        r"index (-?\d+) is out of bounds for dimension (\d+) with size (\d+)",
        "Dimension {1} has {2} places, and place {0} was asked for. Which dimension are these indices meant for?",
    ),
    (
        rf"torch\.return_types\.({WITH_PLACES})\b",
        "Here {0}() returns two tensors, the values and where they stand: take `.values` or `.indices`, whichever is meant.",
    ),
    (r"string index out of range", "A text has fewer letters than this index asks for; an empty one has none. Print it."),
    (r"(?:list|tuple) index out of range", "It has fewer elements than this index asks for. Print its length."),
    (
        r"tensors used as indices must be|expected scalar type (?:Long|Int)\b|Expected tensor for argument .* scalar types?: Long|"
        r"Expected dtype int32/int64 for index|only applicable to index tensor|expected target dtype to be Long",
        "Whole numbers are needed here: a tensor of dtype int64. Have an index and what it picks from changed places?",
    ),
    (r"expected .*dtype|expected scalar type \w+ but found|must have the same dtype", "Two dtypes meet here: print the dtype of each tensor."),
    (
        r"a leaf Variable that requires grad is being used in an in-place operation",
        "Autograd watches this tensor, so it may not be changed in place. An update is no part of the forward pass: keep it out of the graph.",
    ),
    (
        r"Trying to backward through the graph a second time",
        "backward() has run through this graph before. Compute the loss anew for each backward(), and from nothing that an earlier one was computed with.",
    ),
    (
        r"does not require grad and does not have a grad_fn",
        "What backward() starts from has no graph: on the way to it the tensors were detached, made plain numbers, or computed without gradients, "
        "or nothing in it has `requires_grad=True`.",
    ),
    (r"modified by an inplace operation", "A tensor that backward() still needs was changed in place after it had been used. Make a new one instead."),
    (r"grad can be implicitly created only for scalar outputs", "backward() starts from one number. This tensor has more than one."),
    (
        r"probability tensor contains either",
        "What multinomial is given holds a number below 0, infinity or NaN. It draws by probabilities, which logits are not.",
    ),
    (r"Boolean value of Tensor with more than one value", "A tensor of many values is no single yes or no."),
    (
        r"can only convert an array of size 1|a Tensor with \d+ elements cannot be converted to Scalar|only one element tensors can be",
        "A single number is needed, and this tensor holds more.",
    ),
    (r"math domain error|expected a positive input", "A logarithm, a root or the like was asked of a number that has none. Print it."),
    (r"^division by zero|float division by zero", "The number below the fraction is 0. Print it."),
    # one tensor out of several
    (
        r"Sizes of tensors must match except in dimension (\d+)\. Expected size (\d+) but got size (\d+)",
        "Tensors are put one behind the other in dimension {0}, so all their other sizes must be equal: here {1} meets {2}. Print the shapes.",
    ),
    (r"Tensors must have same number of dimensions: got (\d+) and (\d+)", "Tensors with {0} and with {1} dimensions cannot be put together. Print the shapes."),
    (r"zero-dimensional tensor .* cannot be concatenated", "These tensors are single numbers. To put numbers together is to stack them."),
    (r"stack expects each tensor to be equal size", "To be stacked, tensors need the same shape. Print the shapes."),
    (r"expects? a non-empty TensorList|expected a non-empty list of Tensors", "The list of tensors is empty: did the loop that fills it run?"),
    (r"expected Tensor as element \d+ in argument 0, but got (\w+)", "A list of tensors is needed here, and there is a plain {0} in it."),
    (r"^expected sequence of length (\d+) at dim \d+ \(got (\d+)\)", "The rows of this list have different lengths, {0} and {1}: no tensor can be made of it."),
    # another shape
    (r"shape '\[(.*?)\]' is invalid for input of size (\d+)", "The tensor has {1} elements, which do not fill the shape ({0}). Print the tensor's shape."),
    (
        r"view size is not compatible with input tensor's size and stride",
        "view() needs elements that lie in order in memory, and after a transpose or a slice they need not.",
    ),
    (
        r"The expanded size of the tensor \((\d+)\) must match the existing size \((\d+)\) at non-singleton dimension (\d+)",
        "What is put here has {1} elements in dimension {2}, and the place has {0}. Print both shapes.",
    ),
    (
        r"Dimension out of range \(expected to be in range of \[(-?\d+), (-?\d+)\], but got (-?\d+)\)",
        "Dimension {2} was asked for; this tensor has those from {0} to {1}.",
    ),
    (r"too many indices for tensor of dimension (\d+)", "More indices were given than this tensor has dimensions, {0}. Print its shape."),
    (r"of a 0-d(?:im)? tensor|over a 0-d tensor|need to be at least 1D", "There is a single number where a row of them is needed."),
    (r"inconsistent tensor size", "The two vectors of this product have different lengths. Print both shapes."),
    # dtypes and kinds
    (
        r"result type Float can't be cast to the desired output type (?:Long|Int)",
        "A tensor of whole numbers was to be changed in place into one of fractions. Make it a tensor of floats first, or a new one.",
    ),
    (
        r"Input dtype must be either a floating point.*Got: Bool",
        "This works with floats, and the tensor holds truth values (True and False), such as a comparison gives: make numbers of them first.",
    ),
    (
        r"Input dtype must be either a floating point|only support floating point|not implemented for '(?:Long|Int)'",
        "This works with floats, and the tensor holds whole numbers: print its dtype.",
    ),
    (
        r"not implemented for 'Bool'|(?:with|of) (?:a )?bool tensors? is not supported",
        "This works with numbers, and the tensor holds truth values (True and False), such as a comparison gives: make numbers of them first.",
    ),
    (
        r"failed to unpack the object at pos (\d+)|must be tuple of ints,? ?but (?:got|found element of type) (\w+)",
        "A size is a whole number, and one of those given here is not: print them.",
    ),
    (
        r"only integer tensors of a single element can be converted to an index",
        "A list takes one whole number as its index; only a tensor takes a tensor of them.",
    ),
    (r"(list|tuple|string) indices must be integers or slices, not (\w+)", "The index of a {0} is a whole number, and here it is a {1}."),
    (
        r"'(\w+)' object is not callable",
        "What stands before the parentheses is a {0}, no function: does a variable bear a function's name, or is an operator missing?",
    ),
    (
        r"'(?:builtin_function_or_method|function|method)' object is not subscriptable",
        "Square brackets stand behind a function, which is called with parentheses.",
    ),
    (
        r"'(int|float|bool)' object is not (?:iterable|subscriptable)|object of type '(int|float)' has no len",
        "There is a single number where several are needed.",
    ),
    (
        r"'float' object cannot be interpreted as an integer|slice indices must be integers",
        "A whole number is needed here, and this is a fraction. The operator // divides without one.",
    ),
    (
        r"(\w+)\(\) takes no arguments",
        "`{0}` has no method that takes them: is the name `__init__` written with two underscores on each side, and inside of the class?",
    ),
    (r"object does not support item assignment", "This object cannot be changed in place: make a new one, or use a list."),
    (r"unhashable type: '(list|dict|set)'", "A {0} can be changed, so it can be no key of a dictionary and no element of a set."),
    (r"invalid combination of arguments - got \((.*?)\), but expected", "This function cannot be called with ({0}). Compare with its documentation."),
    # values
    (r"Expected input batch_size \((\d+)\) to match target batch_size \((\d+)\)", "There are {0} rows of logits and {1} targets: each row needs one target."),
    (r"^Target (-?\d+) is out of bounds", "A target is the index of one of the columns, and there is no column {0}: they are counted from 0."),
    (r"Class values must be smaller than num_classes", "An index is as large as the number of classes, or larger: indices begin at 0."),
    (r"invalid multinomial distribution", "All these probabilities are 0, so there is nothing to draw from."),
    (r"math range error", "The result is larger than a number can be. Print what goes in."),
    (r"cannot convert float (?:NaN|infinity) to integer", "The number is NaN or infinite. Find the step in which it first is."),
    (r"pop from (?:an )?empty|dictionary is empty|arg is an empty sequence|iterable argument is empty", "There is nothing in it. Print it in the line before."),
    (r"^maximum recursion depth exceeded", "The function calls itself without end: what should stop it?"),
    (
        r"local variable '(\w+)' (?:where it is not associated with a value|referenced before assignment)",
        "`{0}` is assigned somewhere in this function, but not yet here: further down, or in a branch that did not run.",
    ),
    # autograd
    (r"Can't call numpy\(\) on Tensor that requires grad", "Autograd watches this tensor: it has to be detached before it leaves torch."),
    (r"can't optimize a non-leaf Tensor", "An optimiser changes leaves, tensors that were not computed from others. This one was."),
)  # fmt: skip
CALLED_OTHERWISE = r"missing \d+ required (?:positional|keyword-only) arguments?|takes .*positional arguments? but|got an unexpected keyword"
GIVEN = r"\w+\.(\w+)\(\) takes (\d+) positional arguments? but (\d+) (?:was|were) given"
SIGNATURES = re.compile(r", but expected one of:.*|, but expected \(.*", re.DOTALL)  # all that a function of torch's takes, in many lines
CHECK = "the check"
STOPPED = "KeyboardInterrupt"
NOT_AS_MANY = r"(?:too many|not enough) values to unpack \(expected (?:at least )?(\d+)(?:, got (\d+))?\)"


def describe(failure: Failure, by: str = CHECK) -> str:
    """An exception in a sentence or two, with the student's own line.

    Args:
        by: what has called the student's code, such as a check.
    """
    said = SIGNATURES.sub("", failure.message)
    what = f"{failure.name}: {said}" if said else failure.name
    if _is_unwritten(failure):
        return f"Another answer that this one needs is not there yet ({what})."
    if failure.name == STOPPED:
        return _stopped(failure)
    where = f"line {failure.number} of {place(failure)}: {quoted(failure.line)}"
    if failure.name == "NameError" and "is not defined" in failure.message:
        where_is_it = ": is it mistyped, or is the cell that defines it missing, further down, or not run yet?"
        what = failure.message if failure.message.endswith(("?", ".")) else f"{failure.message}{where_is_it}"
        return f"{what} It is needed in {where}" if failure.line else what
    means = meaning(failure, by)
    if failure.called:
        return f"Your line {failure.number}{_of(failure)}, {quoted(failure.line)}, called {failure.called}. There it ended: {_ended(what)}"
    if failure.line:
        return f"{f'{means} ' if means else ''}{what}{' It stands in' if what.endswith('?') else ', in'} {where}"
    told = f"{_ended(what)}{f' {means}' if means else ''}"
    if failure.check and failure.check not in means:
        return f"{told} (It ended where {by} goes on with what your code gives it: {quoted(failure.check)})"
    return told


def _ended(sentence: str) -> str:
    """With what a sentence ends in."""
    return sentence if sentence.endswith("?") else f"{sentence.rstrip('.')}."


def _is_unwritten(failure: Failure) -> bool:
    """Whether it is the stub's own: torch raises that error, too, with a sentence."""
    return failure.name == "NotImplementedError" and (failure.message.isidentifier() or not failure.message)


def is_of_the_stub(failure: Failure, exercise: str) -> bool:
    """Whether it is what an answer that is not written ends in."""
    return failure.name == "NotImplementedError" and failure.message in ("", exercise)


def _stopped(failure: Failure) -> str:
    """An answer that somebody, or a limit of time, has broken off."""
    if not failure.line:
        return "It was stopped before it came to its end."
    at = f"line {failure.number} of {place(failure)}: {quoted(failure.line)}"
    return f"It was stopped in {at} (If it would never have come to its end: what makes its loop stop?)"


def quoted(code: str) -> str:
    """A line of code in a sentence: between backticks, which a card shows as code."""
    return code if "`" in code else f"`{code}`"


def place(failure: Failure) -> str:
    """Which cell a line stands in."""
    return f"the cell that defines `{failure.cell}`" if failure.cell else "your cell"


def _of(failure: Failure) -> str:
    return f" in {place(failure)}" if failure.cell else ""


def meaning(failure: Failure, by: str = CHECK) -> str:
    """What an exception's words mean, or nothing."""
    said = failure.message
    if "NoneType" in said:
        return _none(failure, by)
    if (counts := re.search(GIVEN, said)) and int(counts[3]) == int(counts[2]) + 1:
        return f"Python hands a method its object as the first argument: is `self` missing among the parameters of `{counts[1]}`?"
    if not failure.line and failure.check:
        if re.search(CALLED_OTHERWISE, said):
            return f"{_first(by)} calls it so: `{failure.check}`. Keep the parameters that the cell had when you got it."
        if counts := re.search(NOT_AS_MANY, said):
            there = counts[2] or "more (a single tensor is taken apart into its rows)"
            end = f": return {counts[1]} values." if _takes_a_result_apart(failure.check) else "."
            return f"In its line `{failure.check}` {by} takes {counts[1]} values out of what your code gives it, and that holds {there}{end}"
        if no_such := re.search(r"'(int|float|list|tuple|str|dict)' object has no attribute '(\w+)'", said):
            return f"{_first(by)} asks a result of yours for its `{no_such[2]}`: `{failure.check}`. A plain {no_such[1]} has none."
        if "does not require grad and does not have a grad_fn" in said:
            how = "it was detached, made a plain number (`.item()`, `float()`), or computed without gradients"
            return f"{_first(by)} calls backward() on what you return, and it has no graph: {how}."
    for pattern, sentence in MEANINGS:
        if found := re.search(pattern, said):
            return sentence.format(*(group or "" for group in found.groups()))
    return f"There is no entry {said}." if failure.name == "KeyError" and said else ""


def _takes_a_result_apart(line: str) -> bool:
    """Whether a line gives names to all that one call returns."""
    try:
        (statement,) = ast.parse(line).body
    except (SyntaxError, ValueError):
        return False
    if not isinstance(statement, ast.Assign) or not isinstance(names := statement.targets[0], ast.Tuple):
        return False
    return isinstance(statement.value, ast.Call) and all(isinstance(name, ast.Name) for name in names.elts)


def _first(words: str) -> str:
    return words[:1].upper() + words[1:]


def _none(failure: Failure, by: str) -> str:
    """There is None where a value is needed: a gradient that no backward pass has filled, or a function without a result."""
    if "returns nothing: is a `return` missing there?" in failure.message:
        return ""
    if not failure.line:  # in the check's own lines, which take apart what was returned
        why = "A function without `return` gives None, and so do append(), backward() and `.grad` before backward() has run"
        return f"There is None where {by} needs a value. {why}."
    if re.search(r"\.grad\b", failure.line):
        return "`.grad` is None until backward() has filled it, and that happens only to leaves: tensors that were not computed from others."
    return "Something in this line is None. A function without `return` gives None, and so do methods that change a thing in place, such as sort()."
