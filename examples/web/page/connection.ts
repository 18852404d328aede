/** The connection to the hub: which rooms are joined over it, and where to go on when it, or the page, was away. */

import { io, type Socket } from "socket.io-client";
import * as msgpack from "socket.io-msgpack-parser";
import { Room, type About, type Joined } from "./room.ts";

export type Link = "connecting" | "connected" | "away" | "refused" | "paused";

export interface Options {
  hub: string;
  codec: "json" | "msgpack";
  token: string | null;
  /** Is called after anything has changed. */
  changed: () => void;
}

/** When one that was told to go comes again. */
const AGAIN_MS = 1500;
const EVENTS = ["agent-action", "visualization-event"] as const;

export class Connection {
  readonly #socket: Socket;
  readonly #changed: () => void;
  readonly #rooms = new Map<string, Room>();
  #token: string | null;
  #link: Link = "connecting";
  #isPaused = false;
  /** What the hub, or the browser, said last of what is wrong. */
  why = "";

  constructor({ hub, codec, token, changed }: Options) {
    this.#changed = changed;
    this.#token = token;
    this.#socket = io(hub, {
      path: codec === "msgpack" ? "/socket.io-msgpack/" : "/socket.io/",
      ...(codec === "msgpack" && { parser: msgpack }),
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnectionDelay: 250,
      reconnectionDelayMax: 3000,
      auth: (tell) => tell(this.#token === null ? {} : { token: this.#token }),
    });
    this.#listen();
  }

  get link(): Link {
    return this.#isPaused ? "paused" : this.#link;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("connect", () => {
      this.#is("connected");
      for (const room of this.#rooms.values()) this.#join(room);
    });
    socket.on("disconnect", (why) => {
      for (const room of this.#rooms.values()) room.isJoined = false;
      this.#is("away", why);
      // Whoever is told to go does not come back by itself.
      if (why === "io server disconnect") setTimeout(() => socket.connect(), AGAIN_MS);
    });
    // It tries again, unless the hub itself has refused it.
    socket.on("connect_error", (error) => this.#is(socket.active ? "away" : "refused", error.message));
    socket.on("refused", ({ error }: { error: string }) => {
      this.why = String(error);
      this.#changed();
    });
    socket.on("gameState", (state: object, about: Joined) => this.#of(about, (room) => room.whole(state, about)));
    socket.on("game-state-update", (set: object, about: About & { from: number; version: number; removed: string[] }) =>
      this.#of(about, (room) => {
        // One is missing between: the whole state is asked for.
        if (!room.update(set, about)) this.#join(room);
      }),
    );
    for (const event of EVENTS) socket.on(event, (data: unknown, about: About & { n: number }) => this.#of(about, (room) => room.event(event, data, about.n)));
    socket.on("lost", (about: About & { lost: number; next: number }) => this.#of(about, (room) => room.lost(about)));
  }

  /** Does something to a room, unless it was left meanwhile. */
  #of(about: About, act: (room: Room) => void): void {
    const room = this.#rooms.get(about.room);
    if (!room?.isJoined) return;
    act(room);
    this.#changed();
  }

  #is(link: Link, why = ""): void {
    this.#link = link;
    this.why = why;
    this.#changed();
  }

  /** Connects again, with a token. */
  connectWith(token: string): void {
    this.#token = token;
    this.#is("connecting");
    this.#socket.disconnect().connect();
  }

  /** Watches a room from now on. */
  watch(room: Room): void {
    this.#rooms.set(room.name, room);
    this.#join(room);
  }

  /** Leaves a room for good: what was known of it goes. */
  leave(room: Room): void {
    this.#rooms.delete(room.name);
    this.#part(room);
  }

  /** Leaves all rooms until [`resume`](this.resume); what is known of them stays. */
  pause(): void {
    this.#isPaused = true;
    for (const room of this.#rooms.values()) this.#part(room);
    this.#changed();
  }

  resume(): void {
    this.#isPaused = false;
    for (const room of this.#rooms.values()) this.#join(room);
    this.#changed();
  }

  #part(room: Room): void {
    if (room.isJoined && this.#socket.connected) this.#socket.emit("leave-game", room.name);
    room.isJoined = false;
  }

  #join(room: Room): void {
    if (this.#isPaused || !this.#socket.connected) return;
    // It counts as joined from now on, so that leaving it comes after.
    room.isJoined = true;
    this.#socket.emit("join-game", room.place(), (answer: { ok: boolean; error?: string } & Joined) => {
      if (this.#rooms.get(room.name) !== room) return;
      if (answer.ok) {
        // What was last said before somebody looked is asked for once more is known.
        const isFirst = room.joined(answer);
        if (isFirst && room.isJoined) this.#socket.emit("join-game", room.place());
      } else {
        room.isJoined = false;
        this.why = String(answer.error);
      }
      this.#changed();
    });
  }
}
