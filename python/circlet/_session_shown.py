# How the values of a session's code are shown: `_session.py` loads it among its own names.
PNG = "image/png"
METHODS = {
    "text/html": "_repr_html_",
    "text/markdown": "_repr_markdown_",
    "text/latex": "_repr_latex_",
    "image/svg+xml": "_repr_svg_",
    "application/json": "_repr_json_",
    "application/javascript": "_repr_javascript_",
    PNG: "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}


def mime_of(value, include=None, exclude=None):
    """Returns how a value shows itself, by MIME type, of those that are wanted: the convention of IPython's display."""
    kind = type(value)
    if isinstance(value, type):
        return {}
    found = {}
    bundle = first(attempt(getattr(kind, "_repr_mimebundle_", None), value, include=include, exclude=exclude))
    if isinstance(bundle, dict):
        found.update((str(mime), content) for mime, content in bundle.items() if content is not None)
    for mime, name in METHODS.items():
        if mime in found or not is_wanted(mime, include, exclude):
            continue
        shown = first(attempt(getattr(kind, name, None), value))
        if shown is not None:
            found[mime] = shown
    if (
        PNG not in found
        and is_wanted(PNG, include, exclude)
        and kind.__module__.startswith("matplotlib.")
        and hasattr(value, "savefig")
    ):
        picture = attempt(png_of, value)
        if picture is not None:
            found[PNG] = picture
    return bundle_of(found, include, exclude)


def is_wanted(mime, include, exclude):
    return (not include or mime in include) and (not exclude or mime not in exclude)


def bundle_of(found, include=None, exclude=None):
    """Returns what JSON can say of what is shown, of what is wanted."""
    return {
        plain_text(str(mime)): sayable(content) for mime, content in found.items() if is_wanted(mime, include, exclude)
    }


def first(shown):
    """Returns what is shown, without what some give beside it: a tuple with a dict of remarks."""
    return shown[0] if isinstance(shown, tuple) and shown else shown


def attempt(show, value, **how):
    """Calls code of the value's, whose exceptions are of no use here; an interrupt is."""
    if show is None:
        return None
    try:
        return show(value, **how)
    except Exception:
        return None


def sayable(content):
    if isinstance(content, (bytes, bytearray, memoryview)):
        from binascii import b2a_base64

        return b2a_base64(content, newline=False).decode()
    try:
        return exact(content)
    except (InexactError, RecursionError):
        return plain_text(str(content))


def png_of(figure):
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight")
    return file.getvalue()


def display(*values, include=None, exclude=None, raw=False, **_):
    """Shows values in the midst of a run; `raw` ones are given by MIME type."""
    from json import dumps

    for value in values:
        if raw:
            data = bundle_of(value, include, exclude)
        else:
            text = {"text/plain": text_of(value)} if is_wanted("text/plain", include, exclude) else {}
            data = text | mime_of(value, include, exclude)
        body = dumps(data).encode()
        if send(shell, DISPLAY, body, len(body)) < 0:
            raise RuntimeError("nobody sees what is shown here: no run is under way, or the supervisor has gone")


# Figures of matplotlib, as IPython shows them: those that pyplot has open at the end of a run, each once.


def with_backend(module, load):
    """Loads matplotlib with the backend that draws into memory, unless another was chosen."""
    from os import environ

    is_ours = "MPLBACKEND" not in environ
    if is_ours:
        environ["MPLBACKEND"] = "agg"
    try:
        load(module)
    finally:
        if is_ours:
            environ.pop("MPLBACKEND", None)


def with_figures(module, load):
    """Loads pyplot, whose `show` shows at once."""
    global after
    from functools import wraps

    load(module)
    theirs = module.show

    @wraps(theirs)
    def show(*args, **kwargs):
        if not is_drawn_here():
            return theirs(*args, **kwargs)
        show_figures()

    module.show, after = show, show_figures


def is_drawn_here():
    return sys.modules["matplotlib"].get_backend().lower() == "agg"


def show_figures(value=None):
    """Shows the open figures, but for the one that is the run's value, and closes them."""
    from matplotlib._pylab_helpers import Gcf

    if not Gcf.figs or not is_drawn_here():
        return
    try:
        for manager in Gcf.get_all_fig_managers():
            if manager.canvas.figure is not value:
                display(manager.canvas.figure)
    finally:
        Gcf.destroy_all()


def with_display(module, load):
    load(module)
    module.display = display


CHANGES = globals().get("CHANGES", {}) | {
    "matplotlib": with_backend,
    "matplotlib.pyplot": with_figures,
    "IPython.core.display_functions": with_display,
}
