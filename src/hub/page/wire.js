// The connection, and which rooms are watched over it.

import { io } from "./vendor/socket.io.esm.min.js";
import { Room } from "./room.js";

/** For how long it is shown that the hub has refused something. */
const SHOWN_MS = 15_000;
/** When one that was told to go comes again. */
const AGAIN_MS = 2000;
/** What a hub that stops closes websockets with. */
const STOPPED = 1013;
const EVENTS = ["agent-action", "visualization-event"];

/**
 * The connection. Rooms are joined as long as somebody wants them, and joined again from where they were when the connection, or the
 * page, was away.
 */
export class Wire {
  /** @param changed is called after anything has changed */
  constructor(token, changed) {
    this.changed = changed;
    this.rooms = new Map();
    this.wanted = new Set();
    this.isPaused = false;
    /** `connecting`, `connected`, `away`, `stopped` or `refused`. */
    this.state = "connecting";
    this.why = "";
    this.refusal = "";
    this.token = token;
    this.socket = io({
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 250,
      reconnectionDelayMax: 3000,
      auth: (tell) => tell(this.token ? { token: this.token } : {}),
    });
    this.listen();
  }

  listen() {
    const { socket } = this;
    socket.on("connect", () => {
      this.is("connected", "");
      this.settle();
    });
    socket.on("disconnect", (why, details) => {
      for (const room of this.rooms.values()) room.isJoined = false;
      this.is(details?.context?.code === STOPPED ? "stopped" : "away", why);
      // Whoever is told to go does not come back by itself.
      if (why === "io server disconnect") setTimeout(() => socket.connect(), AGAIN_MS);
    });
    socket.on("connect_error", (error) => {
      // It is tried again, unless the hub itself has refused it.
      const away = this.state === "stopped" ? "stopped" : "away";
      this.is(socket.active ? away : "refused", error.message);
    });
    socket.on("gameState", (state, about) => this.of(about, (room) => room.whole(state, about)));
    socket.on("game-state-update", (set, about) =>
      this.of(about, (room) => {
        // One is missing between: the whole state is asked for.
        if (!room.delta(set, about) && !room.isAwaited) this.join(room);
      }),
    );
    for (const event of EVENTS) {
      socket.on(event, (data, about) => this.of(about, (room) => room.event(event, data, about.n)));
    }
    socket.on("lost", (about) => this.of(about, (room) => room.lost(about)));
    socket.on("refused", ({ error }) => this.refused(error));
  }

  of(about, act) {
    const room = this.rooms.get(about.room);
    // One that was just left.
    if (!room || this.isPaused) return;
    act(room);
    this.changed();
  }

  is(state, why) {
    this.state = state;
    this.why = why;
    this.changed();
  }

  refused(error) {
    this.refusal = String(error);
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => {
      this.refusal = "";
      this.changed();
    }, SHOWN_MS);
    this.changed();
  }

  /** Connects with another token. */
  connectWith(token) {
    this.token = token;
    this.is("connecting", "");
    this.socket.disconnect().connect();
  }

  /** Watches these rooms, and no others. */
  want(names) {
    const wanted = new Set(names);
    if (wanted.size === this.wanted.size && [...wanted].every((name) => this.wanted.has(name))) return;
    this.wanted = wanted;
    this.settle();
  }

  /** Leaves all rooms until [`resume`](this.resume); what is known of them stays. */
  pause() {
    this.isPaused = true;
    this.settle();
  }

  resume() {
    this.isPaused = false;
    this.refusal = "";
    this.settle();
  }

  /** Joins what is wanted and leaves what is not. */
  settle() {
    for (const [name, room] of this.rooms) {
      const isWanted = this.wanted.has(name);
      if (!isWanted) this.rooms.delete(name);
      if ((!isWanted || this.isPaused) && room.isJoined) {
        room.isJoined = false;
        this.socket.emit("leave-game", name);
      }
    }
    for (const name of this.wanted) {
      if (!this.rooms.has(name)) this.rooms.set(name, new Room(name));
    }
    if (!this.isPaused && this.socket.connected) {
      for (const room of this.rooms.values()) if (!room.isJoined) this.join(room);
    }
    this.changed();
  }

  join(room) {
    const { name, hub, next } = room;
    // It counts as joined from now on, so that leaving it comes after.
    room.isJoined = room.isAwaited = true;
    this.socket.emit("join-game", hub === undefined ? name : { room: name, hub, next }, (answer) => {
      if (this.rooms.get(name) !== room) return;
      if (answer.ok) {
        const isHere = room.isJoined;
        room.joined(answer);
        room.isJoined = isHere;
      } else {
        room.isJoined = false;
        room.error = String(answer.error);
      }
      this.changed();
    });
  }
}
