// A table that is wider than its page can be moved by the keyboard, too. (The theme puts tables into boxes when a page is ready.)
document$.subscribe(() =>
  requestAnimationFrame(() => {
    for (const box of document.querySelectorAll(".md-typeset__scrollwrap"))
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  }),
);
