"""Pictures that a reader would not take for what was asked: none of them may earn the point, however the right values hide in them."""

HEADS = """
def _lines(layers):
    for number, h in enumerate(layers):
        heights, borders = torch.histogram(h, bins=50, density=True)
        yield (borders[:-1] + borders[1:]) / 2, heights, f"layer {number}"

def _done(axes):
    axes.set_xlabel("activation"); axes.set_ylabel("density"); axes.legend()
    return axes
"""

ACTIVATIONS = {
    "nothing is seen": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label, visible=False)
    return _done(axes)
""",
    "wholly transparent": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label, alpha=0)
    return _done(axes)
""",
    "the line has no width": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label, linewidth=0)
    return _done(axes)
""",
    "neither line nor marker": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label, linestyle="none")
    return _done(axes)
""",
    "what is seen is all the same curve, the right ones are hidden": """
def activation_plot(layers):
    _, axes = plt.subplots()
    curves = list(_lines(layers))
    for x, y, label in curves:
        axes.plot(*curves[0][:2])
    for x, y, label in curves:
        axes.plot(x, y, label=label, visible=False)
    return _done(axes)
""",
    "the legend stands in another order": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y)
    axes.legend([f"layer {number}" for number in reversed(range(len(layers)))])
    axes.set_xlabel("activation"); axes.set_ylabel("density")
    return axes
""",
    "the labels count backwards": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for (x, y, _), number in zip(_lines(layers), reversed(range(len(layers)))):
        axes.plot(x, y, label=f"layer {number}")
    return _done(axes)
""",
    "every possible curve beside the right ones": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label)
    for middle in torch.linspace(-1, 1, 40):
        axes.plot([middle - 0.01, middle, middle + 0.01], [0, 1, 0], label=f"guess {middle:.2f}")
    return _done(axes)
""",
    "the curves lie outside of what is shown": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label)
    axes.set_xlim(50, 60)
    return _done(axes)
""",
    "the axes are turned around": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(y, x, label=label)
    return _done(axes)
""",
    "one curve of all layers, cut into five": """
def activation_plot(layers):
    _, axes = plt.subplots()
    every = torch.cat([h.flatten() for h in layers]).sort().values
    for number, part in enumerate(every.chunk(len(layers))):
        heights, borders = torch.histogram(part, bins=50, density=True)
        axes.plot((borders[:-1] + borders[1:]) / 2, heights, label=f"layer {number}")
    return _done(axes)
""",
    "a bar at each layer's number": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for number, h in enumerate(layers):
        axes.bar([number], [float(h.mean())], label=f"layer {number}")
    return _done(axes)
""",
    "axes without a figure that is shown": """
def activation_plot(layers):
    class Axes:
        lines = []
    return Axes()
""",
    "the axes are switched off": """
def activation_plot(layers):
    _, axes = plt.subplots()
    for x, y, label in _lines(layers):
        axes.plot(x, y, label=label)
    axes.set_axis_off()
    return _done(axes)
""",
}

UPDATES = {
    "the steps run backwards": """
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.flip(0).T):
        axes.plot(column, label=f"layer {number}")
    axes.axhline(-3)
    return _done(axes)
""",
    "only the guide is seen": """
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}", color=(0, 0, 0, 0))
    axes.axhline(-3)
    return _done(axes)
""",
    "white on white": """
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column, label=f"layer {number}", color="white")
    axes.axhline(-3)
    return _done(axes)
""",
    "the means alone": """
def update_plot(ratios):
    _, axes = plt.subplots()
    for number, column in enumerate(ratios.T):
        axes.plot(column.mean().expand(len(column)), label=f"layer {number}")
    axes.axhline(-3)
    return _done(axes)
""",
    "a guide at every level": """
def update_plot(ratios):
    _, axes = plt.subplots()
    axes.plot(ratios, label=[f"layer {number}" for number in range(ratios.shape[1])][0])
    for level in range(-60, 1):
        axes.axhline(level / 10)
    return _done(axes)
""",
}

EMBEDDINGS = {
    "all symbols on one point": """
def embedding_plot(C):
    _, axes = plt.subplots()
    points = (C - C.mean(0)) @ torch.linalg.svd(C - C.mean(0), full_matrices=False)[2][:2].T
    axes.scatter(points[:, 0], points[:, 1])
    for symbol in SYMBOLS:
        axes.text(0, 0, symbol)
    return axes
""",
    "the points are hidden": """
def embedding_plot(C):
    _, axes = plt.subplots()
    points = (C - C.mean(0)) @ torch.linalg.svd(C - C.mean(0), full_matrices=False)[2][:2].T
    axes.scatter(points[:, 0], points[:, 1], alpha=0)
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol, visible=False)
    return axes
""",
    "every symbol on every point": """
def embedding_plot(C):
    _, axes = plt.subplots()
    points = (C - C.mean(0)) @ torch.linalg.svd(C - C.mean(0), full_matrices=False)[2][:2].T
    axes.scatter(points[:, 0], points[:, 1])
    for x, y in points.tolist():
        for symbol in SYMBOLS:
            axes.text(x, y, symbol)
    return axes
""",
    "far outside of what is shown": """
def embedding_plot(C):
    _, axes = plt.subplots()
    points = (C - C.mean(0)) @ torch.linalg.svd(C - C.mean(0), full_matrices=False)[2][:2].T
    axes.scatter(points[:, 0], points[:, 1])
    for symbol, (x, y) in zip(SYMBOLS, points.tolist()):
        axes.text(x, y, symbol)
    axes.set_xlim(1000, 1001)
    return axes
""",
}

PICTURES = {
    ("lecture_3_batchnorm", "activation_plot"): ACTIVATIONS,
    ("lecture_3_batchnorm", "update_plot"): UPDATES,
    ("lecture_2_mlp", "embedding_plot"): EMBEDDINGS,
}
