import type { Attempt } from "../attempt.ts";
import { connectTcp } from "../connect-tcp.ts";
import { type Evidence, judgeClosed } from "../judge-closed.ts";
import { sendUdp } from "../send-udp.ts";
import type { OutsideClaim } from "./outside.ts";
import { type Finding, toFinding } from "./probe-group.ts";

/** Judged once everything was tried: only then is it known who answers on the link. */
export type Judge = (evidence: Evidence) => Finding[];

const DATAGRAM = Buffer.from("claws");

export async function probePlaces(claims: readonly OutsideClaim[]): Promise<Judge> {
  const tried = await Promise.all(
    claims.map(async ({ places, ...claim }) => ({
      claim,
      attempts: await Promise.all(
        places.map(
          ({ protocol, address, port }): Promise<Attempt> =>
            protocol === "tcp" ? connectTcp(address, port) : sendUdp(address, port, DATAGRAM),
        ),
      ),
    })),
  );
  return (evidence) => tried.map(({ claim, attempts }) => toFinding(claim, judgeClosed(attempts, evidence)));
}
