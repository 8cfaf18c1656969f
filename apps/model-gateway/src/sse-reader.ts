/** One server-sent event (WHATWG HTML, section 9.2). */
export interface SseEvent {
  readonly event: string;
  readonly data: string;
}

export interface SseReader {
  /** Takes the next bytes as they came; events are handed on when they are complete. */
  push(chunk: Uint8Array): void;
}

/** No event of a model's stream comes near this; one that does is not collected further. */
const LONGEST_EVENT = 4 * 1024 * 1024;

export function createSseReader(onEvent: (event: SseEvent) => void): SseReader {
  const decoder = new TextDecoder();
  let pending = "";
  let event = "";
  let data: string[] = [];

  const endEvent = () => {
    if (data.length > 0) onEvent({ event: event || "message", data: data.join("\n") });
    event = "";
    data = [];
  };
  const takeLine = (line: string) => {
    if (line === "") return endEvent();
    const [, field = "", value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (field === "event") event = value;
    if (field === "data") data.push(value);
  };

  return {
    push(chunk) {
      pending += decoder.decode(chunk, { stream: true });
      if (pending.length > LONGEST_EVENT) throw new Error("a server-sent event is longer than 4 MiB");
      const lines = pending.split(/\r?\n/);
      pending = lines.pop() ?? "";
      lines.forEach(takeLine);
    },
  };
}
