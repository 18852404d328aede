/**
 * The game engine: it watches a hub's rooms for what hooks tell of agents, keeps a game for each, and tells the hub what has become of
 * it. It is a viewer and an emitter like any other, and need not be on the hub's machine.
 */

import { io, type Socket } from "socket.io-client";
import { GAME, type Action } from "../protocol.ts";
import { Game } from "./game.ts";
import { OFFICE } from "./office.ts";

export interface Settings {
  hub: string;
  token: string;
  /** How often positions are told while somebody walks, a second. */
  hz?: number;
}

/** How often a game says that it is there while nobody moves. */
const STILL_MS = 1000;
/** A game in which nothing has happened for so long is left to itself. */
const IDLE_MS = 10 * 60_000;

/** A room's game and where it is in the room's events. */
interface Kept {
  game: Game;
  hub: string | undefined;
  next: number;
  saidAt: number;
  joinedAt: number;
}

interface RoomStats {
  viewers: number;
  bytes: number;
}

export class Engine {
  readonly #socket: Socket;
  readonly #games = new Map<string, Kept>();
  /** Rooms that were left, and what they held by then. */
  readonly #left = new Map<string, number>();
  readonly #timer: Timer;
  #wasRefused = "";

  constructor({ hub, token, hz = 30 }: Settings) {
    this.#socket = io(hub, { transports: ["websocket"], auth: { token }, reconnectionDelay: 250, reconnectionDelayMax: 2000 });
    const socket = this.#socket;
    socket.on("connect", () => {
      socket.emit("join-game", "hub");
      for (const room of this.#games.keys()) this.#join(room);
    });
    socket.on("disconnect", (why) => {
      // Whoever is told to go does not come back by itself.
      if (why === "io server disconnect") setTimeout(() => socket.connect(), 1000);
    });
    socket.on("connect_error", (error) => {
      if (!socket.active) console.error(`[engine] the hub refuses: ${error.message}`);
    });
    for (const event of ["gameState", "game-state-update"]) {
      socket.on(event, (state: { rooms?: Record<string, RoomStats> }, { room }: { room: string }) => {
        if (room === "hub" && state.rooms) this.#look(state.rooms);
      });
    }
    socket.on("agent-action", (action: unknown, { room, n }: { room: string; n: number }) => {
      const kept = this.#games.get(room);
      if (!kept) return;
      kept.next = n + 1;
      kept.game.act(action, Date.now());
    });
    socket.on("lost", ({ room, lost, next }: { room: string; lost: number; next: number }) => {
      const kept = this.#games.get(room);
      if (!kept) return;
      kept.next = next;
      console.error(`[engine] ${lost} actions of ${room} were lost`);
    });
    socket.on("refused", ({ error }: { error: string }) => {
      // It would be refused 30 times a second.
      if (error !== this.#wasRefused) console.error(`[engine] the hub refuses: ${error}`);
      this.#wasRefused = error;
    });
    this.#timer = setInterval(() => this.#step(), 1000 / hz);
  }

  /** Tells the hub that an agent has acted, as a hook does. */
  say(room: string, action: Action): void {
    if (this.#socket.connected) this.#socket.emit("agent-action", { room, ...action });
  }

  end(): void {
    clearInterval(this.#timer);
    this.#socket.disconnect();
  }

  /** Keeps a game for each room that is to have one. */
  #look(rooms: Record<string, RoomStats>): void {
    for (const [room, { viewers, bytes }] of Object.entries(rooms)) {
      if (!room.startsWith(GAME) || this.#games.has(room)) continue;
      // One that was left is come back to when somebody looks, or something has happened.
      if (viewers === 0 && this.#left.get(room) === bytes) continue;
      this.#left.delete(room);
      // What was said before it came counts: 0 asks for all events that are kept.
      this.#games.set(room, { game: new Game(), hub: undefined, next: 0, saidAt: 0, joinedAt: Date.now() });
      this.#join(room);
    }
    for (const room of this.#left.keys()) if (!(room in rooms)) this.#left.delete(room);
    for (const [room, { game, joinedAt }] of this.#games) {
      const found = rooms[room];
      const isWatched = (found?.viewers ?? 0) > 1;
      if (isWatched || Date.now() - Math.max(game.lastAt, joinedAt) < IDLE_MS) continue;
      this.#games.delete(room);
      this.#left.set(room, found?.bytes ?? 0);
      this.#socket.emit("leave-game", room);
    }
  }

  #join(room: string): void {
    // A room is asked for all its events by the id of the hub that is there, which the first answer tells.
    const kept = this.#games.get(room)!;
    const ask = (hub: string | undefined, told: (answer: { ok: boolean; hub: string; next: number; error?: string }) => void) =>
      this.#socket.emit("join-game", hub === undefined ? room : { room, hub, next: kept.next }, told);
    ask(kept.hub, (answer) => {
      if (!answer.ok) return console.error(`[engine] ${room}: ${answer.error}`);
      if (answer.hub !== kept.hub) {
        kept.hub = answer.hub;
        kept.next = 0;
        ask(kept.hub, () => {});
      }
      // Whoever was away does not know what has come of what was told last.
      kept.game.forgetTold();
      kept.saidAt = 0;
      this.#socket.emit("game-state-update", { room, set: { office: OFFICE } });
    });
  }

  #step(): void {
    const now = Date.now();
    for (const [room, kept] of this.#games) {
      const hasMoved = kept.game.step(now);
      if (!this.#socket.connected || kept.hub === undefined) continue;
      const { agents, marks } = kept.game.told();
      if (hasMoved || agents || now - kept.saidAt >= STILL_MS) {
        const columns = { positions: kept.game.positions(now) };
        this.#socket.emit("game-state-update", { room, set: agents ? { agents } : {}, columns });
        kept.saidAt = now;
      }
      for (const mark of marks) this.#socket.emit("visualization-event", { room, ...mark });
    }
  }
}

if (import.meta.main) {
  const token = process.env.CIRCLET_EMIT_TOKEN;
  const hub = process.env.CIRCLET_HUB ?? "http://127.0.0.1:3010";
  if (!token) {
    console.error("[engine] CIRCLET_EMIT_TOKEN is to be the token of the hub's emitters");
    process.exit(2);
  }
  new Engine({ hub, token });
  console.log(`[engine] keeps the games of ${hub}`);
}
