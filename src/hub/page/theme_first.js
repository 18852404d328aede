// Before anything is drawn, so that a chosen theme does not flash up as the other one. It is no module: those come later.
try {
  const chosen = localStorage.getItem("circlet-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is refused: the system's theme it is.
}
