# Tries: a script in HTML, SVG, Markdown, JavaScript, LaTeX, in a picture's data and in an error's text.
# Ends: no page holds it unescaped.
# points: double=0
from IPython.display import HTML, SVG, Image, Javascript, Latex, Markdown, display

for made in (
    HTML("<script>window.pwned=1</script>"),
    SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='window.pwned=1'/>"),
    Markdown("<img src=x onerror='window.pwned=1'>"),
    Javascript("window.pwned=1"),
    Latex(r"$\href{javascript:window.pwned=1}{x}$"),
):
    display(made)
display({"image/png": "\"><script>window.pwned=1</script>"}, raw=True)
print("TRIED")
raise ValueError("<script>window.pwned=1</script>")
