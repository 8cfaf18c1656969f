import type { Socket } from "node:net";
import type { EgressRule } from "@claws/contracts";
import type { Authority } from "../authority.ts";
import type { Place } from "../connections.ts";
import type { Dialled } from "../dial.ts";
import type { ConnectionQuota } from "../quota/connection-quota.ts";
import type { EgressRequest, RequestReading } from "../read-request.ts";
import type { Refused } from "../refusal.ts";
import type { ContentFinding } from "./content-judge.ts";

/** A tunnel that is opened: its ends, and who decides about what is in it. */
export interface Inspection {
  readonly client: Socket;
  /** The ClientHello as far as it was read; its SNI was compared with the host. */
  readonly head: Buffer;
  readonly authority: Authority;
  /** A new connection to the destination, whose address was judged. Called when a request needs one. */
  readonly dial: () => Promise<Dialled>;
  /** Decides about one request: rules, quotas, record. What could not be read comes here too, to be recorded. */
  readonly judge: (reading: RequestReading) => Promise<InnerVerdict>;
  readonly onFinding: (finding: ContentFinding, request: EgressRequest) => void;
  /** Called at most once, with reason `tls_failed`: the client did not come to terms with our certificate. */
  readonly onHandshakeFailed: (refused: Refused) => void;
}

export type InnerVerdict = InnerPermit | ({ readonly ok: false } & Refused);

/** One request may go out; `finish` is called once, whatever happens then. */
export interface InnerPermit {
  readonly ok: true;
  readonly matched?: EgressRule | undefined;
  readonly rule?: string | undefined;
  readonly quota: ConnectionQuota;
  readonly place: Pick<Place, "hold">;
  finish(end: InnerEnd): void;
}

export interface InnerEnd {
  readonly reason?: Refused["reason"] | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
}
