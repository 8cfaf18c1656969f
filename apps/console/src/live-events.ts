/** What the console knows of how fresh its list is. */
export interface Liveness {
  readonly state: "live" | "reconnecting" | "stale";
  readonly since: number;
}

export interface LiveEvents {
  /** The gateway sees approvals (again): read the list anew. */
  readonly onLive: () => void;
  /** The gateway still sees approvals. */
  readonly onBeat: () => void;
  /** Something changed. */
  readonly onChange: () => void;
  /** The gateway, or the way to it, is gone: nothing may be approved. */
  readonly onLost: (state: "reconnecting" | "stale") => void;
}

/** Two heartbeats and a bit: silence for longer means that the way is broken, whatever the browser says. */
const SILENCE_MS = 35_000;

/** Follows the gateway's events. The browser reconnects by itself; a closed stream is opened anew. */
export function followEvents({ onLive, onBeat, onChange, onLost }: LiveEvents): void {
  let source: EventSource | undefined;
  let heardAt = Date.now();

  const open = () => {
    source?.close();
    heardAt = Date.now();
    source = new EventSource("/api/events");
    const on = (name: string, act: () => void) =>
      source?.addEventListener(name, () => {
        heardAt = Date.now();
        act();
      });
    on("live", onLive);
    on("stale", () => onLost("stale"));
    on("approval", onChange);
    on("question", onChange);
    on("heartbeat", onBeat);
    source.addEventListener("error", () => onLost("reconnecting"));
  };
  open();
  setInterval(() => {
    const isSilent = Date.now() - heardAt > SILENCE_MS;
    const isClosed = source?.readyState === EventSource.CLOSED && Date.now() - heardAt > 2_000;
    if (!isSilent && !isClosed) return;
    onLost("reconnecting");
    open();
  }, 1_000);
}
