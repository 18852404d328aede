// Dark and light: the system's, until one is chosen.

const KEY = "circlet-theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : system.matches;
}

/** Makes the button change the theme, and calls `changed` whenever colours are others. */
export function watchTheme(button, changed) {
  const show = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    button.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
    palette = null;
    changed();
  };
  button.addEventListener("click", () => {
    const wanted = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = wanted;
    try {
      localStorage.setItem(KEY, wanted);
    } catch {
      // It holds until the page is left.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
}

const NAMES = ["ink", "soft", "line", "accent", "good", "warn", "bad", "series-1", "series-2", "series-3", "series-4", "series-5", "series-6"];
let palette = null;

/** Returns the colours of the style sheet, for what is drawn on a canvas. */
export function colours() {
  if (!palette) {
    const style = getComputedStyle(document.documentElement);
    palette = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  }
  return palette;
}
