document.querySelectorAll("button[data-cell]").forEach(button => button.addEventListener("click", async () => {
  const said = button.nextElementSibling;
  try {
    await navigator.clipboard.writeText(button.dataset.cell);
    said.textContent = "Copied.";
  } catch {
    const area = document.createElement("textarea");
    area.value = button.dataset.cell;
    document.body.append(area);
    area.select();
    said.textContent = document.execCommand("copy") ? "Copied." : "The browser does not allow it: clusters.csv holds the cell.";
    area.remove();
  }
}));
