import type { EgressQuestion } from "@claws/contracts";

/** Who asks, in a word: `agent:main`, `server:web`. */
export function describeCaller({ caller }: Pick<EgressQuestion, "caller">): string {
  return caller.kind === "agent" ? `agent:${caller.agent}` : `server:${caller.server}`;
}

/** Where to, always with the port. */
export function describeDestination({ host, port }: Pick<EgressQuestion, "host" | "port">): string {
  return `${host}:${port}`;
}

/** What would be seen of it: a tunnel hides what is in it. */
export function describeMethod({ method }: Pick<EgressQuestion, "method">): string {
  return method === "CONNECT" ? "CONNECT (a tunnel: what goes through it is not shown)" : method;
}

const ENDINGS: Readonly<Record<EgressQuestion["state"], string>> = {
  open: "waits",
  once: "allowed once",
  session: "allowed for the session",
  always: "allowed for good",
  deny: "denied",
  expired: "expired: nobody answered in time",
};

/** How it ended, and by whom. */
export function describeAnswer({ state, by }: Pick<EgressQuestion, "state" | "by">): string {
  return by === undefined ? ENDINGS[state] : `${ENDINGS[state]} (${by})`;
}
