/** All bytes in a scenario are latin1 text: one character is one byte. */
export type Step =
  /** With `credentials` the caller's own Proxy-Authorization line is put behind the request line. */
  | { readonly do: "send"; readonly bytes: string; readonly credentials?: boolean }
  /** One byte per segment, with this pause between them. */
  | { readonly do: "drip"; readonly bytes: string; readonly everyMs: number }
  /** Reads the proxy's answer to CONNECT; when it is not 2xx the rest of the steps is left out. */
  | { readonly do: "await-tunnel" }
  /** Sends this many bytes, or as many as the other side takes. */
  | { readonly do: "upload"; readonly bytes: number }
  | { readonly do: "half-close" }
  | { readonly do: "wait"; readonly ms: number };

/** One connection to the proxy. */
export interface Exchange {
  readonly steps: readonly Step[];
  /** How long at most to listen for an end after the last step. */
  readonly listenMs: number;
}

/** What an attacker does for one vector, one connection after the other. */
export interface Scenario {
  readonly id: string;
  readonly exchanges: readonly Exchange[];
}

/** What the attacker saw on one connection. */
export interface Answered {
  /** Of the first response; null when there was none. */
  readonly status: number | null;
  /** `reason` and `code` of a problem document (RFC 9457), where there is one. */
  readonly reason: string | null;
  readonly code: string | null;
  /** The proxy ended the connection, or reset it, before the attacker stopped listening. */
  readonly closed: boolean;
  readonly tookMs: number;
  /** Bytes after the first response's head, and the beginning of everything that came, as latin1. */
  readonly received: number;
  readonly text: string;
}

/** What one destination saw of one connection. */
export interface Arrival {
  readonly address: string;
  readonly port: number;
  /** Beginning of what arrived, as latin1, and how many bytes it was. */
  readonly bytes: string;
  readonly total: number;
}

export interface Observation {
  readonly id: string;
  readonly answers: readonly Answered[];
  readonly arrivals: readonly Arrival[];
  /** Names that the stub name server was asked for. */
  readonly queries: readonly string[];
}
