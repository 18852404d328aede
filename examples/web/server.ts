/** The page's server: it builds the page when it starts, keeps it in memory, and gives it to whoever asks by its own name. */

import { join } from "node:path";

export interface Settings {
  /** 0 takes a free one. */
  port: number;
  /** Where the page finds the hub. */
  hub: string;
}

interface File {
  body: Blob | string;
  type: string;
}

/** What the page may do: run its own script, and speak with the hub. */
function policy(hub: string): string {
  const socket = hub.replace(/^http/, "ws");
  return [
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:", `connect-src 'self' ${hub} ${socket}`,
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  ].join("; ");
}

async function build(): Promise<Map<string, File>> {
  const built = await Bun.build({ entrypoints: [join(import.meta.dir, "page/index.html")], target: "browser", minify: true, publicPath: "/" });
  const files = new Map<string, File>();
  for (const output of built.outputs) files.set(`/${output.path.replace(/^\.?\//, "")}`, { body: output, type: output.type });
  files.set("/", files.get("/index.html")!);
  return files;
}

/** Serves the page on loopback. */
export async function serve({ port, hub }: Settings): Promise<Bun.Server<undefined>> {
  const files = await build();
  const origin = new URL(hub).origin;
  files.set("/hub.json", { body: JSON.stringify({ hub: origin }), type: "application/json" });
  const headers = {
    "Content-Security-Policy": policy(origin),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
  };
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: (request) => {
      const { pathname, hostname } = new URL(request.url);
      // A name that merely leads here is another page's.
      if (hostname !== "127.0.0.1" && hostname !== "localhost") return new Response("this page is elsewhere", { status: 403 });
      const file = files.get(pathname);
      if (!file) return new Response("there is nothing here", { status: 404, headers });
      return new Response(file.body, { headers: { ...headers, "Content-Type": file.type } });
    },
  });
}
