"""What makes a name, or code, that nobody can read in an answer: where names are forbidden, it could be any of them."""

from __future__ import annotations

import sys

# Python's own functions that do so; ``getattr``, ``vars`` and ``locals`` depend on how they are called
BUILTINS = set("eval exec compile __import__ globals breakpoint get_ipython __builtins__ __loader__ __spec__".split())
CALLED_PLAINLY = {"getattr", "vars", "locals"}

ATTRIBUTES = set(  # whoever's they are
    """
    __globals__ __builtins__ __getattribute__ __subclasses__ __code__ __closure__ __reduce__ __reduce_ex__ __import__ __loader__ __spec__
    f_globals f_locals f_builtins f_back gi_frame gi_code cr_frame ag_frame tb_frame run_cell run_line_magic run_cell_magic
    import_module run_backward _C _ImperativeEngine _execution_engine _functorch _dynamo _higher_order_ops
    """.split()
)
CLASS_HOOKS = {
    "__instancecheck__",
    "__match_args__",
    "__dataclass_fields__",
}  # with them a pattern reads attributes by computed names

MODULES = set(  # run text, find things by names that are text, or reach past Python
    """
    builtins importlib runpy code codeop ctypes cffi subprocess multiprocessing pty pickle _pickle marshal shelve dill cloudpickle joblib
    inspect gc timeit cProfile profile trace pdb bdb doctest unittest pydoc pkgutil zipimport zipapp site copyreg annotationlib
    torch.jit torch.fx torch.load torch.package torch.hub torch.serialization torch.library torch.export torch.multiprocessing torch.classes
    torch.distributed torch.utils.cpp_extension torch.utils.benchmark torch.utils.bottleneck torch.ops.load_library
    numpy.load numpy.ctypeslib numpy.f2py numpy.distutils numpy.testing.measure numpy.testing.rundocs numpy.testing.runstring
    os.system os.popen os.execl os.execle os.execlp os.execlpe os.execv os.execve os.execvp os.execvpe os.spawnl os.spawnle os.spawnlp
    os.spawnlpe os.spawnv os.spawnve os.spawnvp os.spawnvpe os.posix_spawn os.posix_spawnp os.fork os.forkpty
    os.write os.dup2 os._exit os.abort os.kill os.killpg
    sys.modules sys._getframe sys._current_frames sys.settrace sys.setprofile sys.monitoring sys.meta_path sys.path sys.path_hooks
    sys.path_importer_cache sys.addaudithook sys.breakpointhook sys.displayhook sys.excepthook sys.unraisablehook
    functools.update_wrapper string.Formatter types.FunctionType types.CodeType types.LambdaType
    typing.get_type_hints typing.ForwardRef dataclasses.make_dataclass logging.config threading.settrace threading.setprofile
    IPython.core IPython.get_ipython IPython.start_ipython IPython.embed IPython.utils IPython.paths matplotlib.pyplot.getp
    matplotlib.pyplot.setp matplotlib.artist pandas.eval
    """.split()
)
BY_NAME = {"operator.attrgetter", "operator.methodcaller"}  # as ``getattr``: free with a name that is written out
WITHIN = set(  # those of them that other modules hold too, as ``torch.os`` and ``random._os``
    "os sys builtins importlib inspect subprocess ctypes pickle marshal multiprocessing operator functools types typing string runpy".split()
)
PACKAGES = "torch numpy matplotlib mpl_toolkits tqdm jaxtyping typing_extensions autograder IPython einops scipy seaborn pandas".split()
KNOWN = {*PACKAGES, *sys.stdlib_module_names}


def made_by(path: tuple[str, ...]) -> str:
    """The part of ``torch.os.system`` that is one of these, or nothing."""
    if private := next((part for part in path if part in ATTRIBUTES), ""):
        return private
    for start, part in enumerate(path):
        own = part.lstrip("_") if start else part
        if start == 0 or own in WITHIN:
            for end in range(start + 1, min(start + 5, len(path) + 1)):
                if (name := ".".join((own, *path[start + 1 : end]))) in MODULES:
                    return name
    return ""
