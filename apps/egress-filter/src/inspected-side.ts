import type { Dial } from "./dial.ts";
import type { EgressRecords } from "./egress-records.ts";
import type { Inspect } from "./inspect/inspect-tunnel.ts";
import type { Admit, Admitted } from "./pipeline.ts";
import type { EgressRequest } from "./read-request.ts";
import type { RelayLimits } from "./relay.ts";
import type { TakeInner } from "./tunnel.ts";

export interface InspectedSideParts {
  readonly admit: Admit;
  readonly dial: Dial;
  readonly inspect: Inspect;
  readonly limits: () => RelayLimits;
  readonly records: EgressRecords;
}

/** Tunnels whose rule says `inspect`: TLS is opened here, and every request in it goes through the pipeline. */
export function createInspectedSide({
  admit,
  dial,
  inspect,
  limits,
  records,
}: InspectedSideParts): TakeInner {
  return function takeInspected(client, head, admitted) {
    const { request, addresses, caller, place } = admitted;
    const total = setTimeout(() => client.destroy(), limits().totalMs);
    total.unref();
    place.hold(() => client.destroy());
    void inspect({
      client,
      head,
      authority: request,
      dial: () => dial(addresses, request.port),
      judge: (reading) => admit(reading, () => ({ ok: true, caller }), "request", admitted),
      onFinding: (finding, inner) => records.found(decidedOf(admitted, inner), finding),
      onHandshakeFailed: ({ reason }) => admitted.finish({ reason, bytesUp: 0, bytesDown: 0 }),
    }).finally(() => {
      clearTimeout(total);
      admitted.finish({ bytesUp: 0, bytesDown: 0 });
    });
  };
}

function decidedOf({ connection, caller, rule, addresses }: Admitted, { host, port, method }: EgressRequest) {
  return {
    connection,
    door: "agents",
    outcome: "allow",
    reason: "allowed",
    subject: { host, port, method },
    caller,
    rule,
    addresses,
  } as const;
}
