// The state of the connection, the age of what is shown, and the question for a token.

import { now } from "./clock.js";
import { setData, setHidden, setText } from "./dom.js";
import { age, plainly } from "./format.js";
import { listOf, toneOfAge } from "./parts.js";

const KEY = "circlet-token";

const SAID = {
  connecting: "connecting",
  connected: "connected",
  away: "connection lost",
  stopped: "hub stopped",
  refused: "refused",
};

const byId = (id) => document.getElementById(id);

/** Returns the token that was given in this tab. */
export function savedToken() {
  try {
    return sessionStorage.getItem(KEY) ?? "";
  } catch {
    return "";
  }
}

export class Status {
  /** @param connectWith is called with a token that is given */
  constructor(connectWith) {
    this.link = byId("link");
    this.age = byId("age");
    this.notice = byId("notice");
    this.form = byId("token-form");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      const token = byId("token").value.trim();
      try {
        sessionStorage.setItem(KEY, token);
      } catch {
        // It holds until the page is left.
      }
      connectWith(token);
    });
  }

  /** Shows how things are; `rooms` are those of the view. */
  update(wire, rooms) {
    setText(this.link, wire.isPaused ? "paused" : SAID[wire.state]);
    setData(this.link, "is", wire.isPaused ? "paused" : wire.state);
    const asks = wire.state === "refused" && /token/.test(wire.why);
    const isNew = asks && this.form.hidden;
    setHidden(this.form, !asks);
    if (isNew) {
      byId("token").value = "";
      byId("token").focus();
    }
    setHidden(byId("panel"), asks);
    if (asks) setText(byId("token-why"), wire.why);
    this.tell(wire, rooms, asks);
    const times = rooms.map((room) => room.at).filter((at) => at !== undefined);
    const ms = times.length > 0 ? now() - Math.max(...times) : undefined;
    setText(this.age, ms === undefined ? "no data" : `data ${age(ms)} old`);
    const isStale = wire.state !== "connected" && ms !== undefined && ms > 1000;
    setData(this.age, "tone", isStale ? "bad" : ms === undefined ? "soft" : toneOfAge(ms));
  }

  tell(wire, rooms, asks) {
    const troubles = listOf(wire.rooms.get("hub")?.get("troubles"));
    const failed = rooms.find((room) => room.error);
    const text =
      wire.state === "refused" && !asks ? `The hub refuses the connection: ${wire.why}`
      : wire.state === "stopped" ? "The hub has stopped. What is shown is what it said last; the page connects again once it is back."
      : wire.state === "away" ? "The connection is lost, and tried again and again. What is shown is what was known last."
      : failed ? `${failed.name}: ${failed.error}`
      : wire.refusal ? wire.refusal
      : troubles.length > 0 ? `The hub goes on, but this does not work: ${troubles.map(plainly).join("; ")}`
      : "";
    setHidden(this.notice, !text);
    setText(this.notice, text);
  }
}
