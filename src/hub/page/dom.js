// The little of the document that views need. What comes over the wire gets in as text alone.

/** Makes an element: its properties, then its children, of which strings become text. */
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class") element.className = value;
    else if (name === "data") Object.assign(element.dataset, value);
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Sets the text of an element, where it is another. */
export function setText(element, text) {
  const wanted = String(text);
  if (element.shownText === wanted) return;
  element.shownText = wanted;
  element.textContent = wanted;
}

/** Sets a `data-` attribute, where it is another. */
export function setData(element, name, value) {
  const wanted = String(value);
  if (element.dataset[name] !== wanted) element.dataset[name] = wanted;
}

export function setHidden(element, isHidden) {
  if (element.hidden !== isHidden) element.hidden = isHidden;
}

/** Children by key: made where they are new, shown in the order given, taken out where they are no more. */
export class Keyed {
  /**
   * @param parent the element whose children they are, and which has no others
   * @param make from a key, an object with `node`, and with `update(value)` if it is to be told
   */
  constructor(parent, make) {
    this.parent = parent;
    this.make = make;
    this.items = new Map();
  }

  /** Shows these: an iterable of `[key, value]`. */
  update(entries) {
    const wanted = [...entries];
    if (this.items.size > 0) {
      const kept = new Set(wanted.map(([key]) => key));
      for (const [key, item] of this.items) {
        if (kept.has(key)) continue;
        item.node.remove();
        this.items.delete(key);
      }
    }
    let place = this.parent.firstChild;
    for (const [key, value] of wanted) {
      let item = this.items.get(key);
      if (!item) {
        item = this.make(key);
        this.items.set(key, item);
      }
      if (item.node === place) place = place.nextSibling;
      else this.parent.insertBefore(item.node, place);
      // It is in the document by then, so that it has a size.
      item.update?.(value);
    }
  }
}

/** A bar that is full to some part, with a mark at another if there is one. */
export class Bar {
  constructor(kind = "") {
    this.fill = el("span", { class: "fill" });
    this.mark = el("span", { class: "mark", hidden: true });
    this.node = el("span", { class: `bar ${kind}`, "aria-hidden": "true" }, this.fill, this.mark);
  }

  update(part, mark) {
    const wanted = `scaleX(${clamp(part).toFixed(4)})`;
    if (this.shown !== wanted) this.fill.style.transform = this.shown = wanted;
    setHidden(this.mark, mark === undefined);
    const left = mark === undefined ? undefined : `${(clamp(mark) * 100).toFixed(2)}%`;
    if (this.marked !== left) this.mark.style.left = this.marked = left;
  }
}

const clamp = (part) => (part > 0 ? Math.min(1, part) : 0);
