import type { AuditRecord } from "@claws/contracts";
import { createDetailReader } from "./detail-reader.ts";
import { type ClassifiedEvent, classify } from "./event-class.ts";
import { OUTCOMES, type OcsfOutcome } from "./outcome.ts";

/** An event of the Open Cybersecurity Schema Framework: what every class has, and the class's own attributes. */
export interface OcsfEvent extends ClassifiedEvent, OcsfOutcome {
  /** `class_uid * 100 + activity_id`. */
  readonly type_uid: number;
  /** When the service decided, in milliseconds since the epoch. */
  readonly time: number;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The oldest release with `security_control` on every class and the HTTP method PATCH; later ones only add. */
const OCSF_VERSION = "1.6.0";

/**
 * A record as OCSF 1.6 (https://schema.ocsf.io/1.6.0): egress as Network Activity (4001) or, where the
 * request was read, HTTP Activity (4002), DNS as DNS Activity (4003), all else as API Activity (6003).
 * Nothing is lost: what OCSF has no attribute for is in `unmapped`.
 */
export function toOcsf(record: AuditRecord): OcsfEvent {
  const detail = createDetailReader(record.detail);
  const classified = classify(record, detail);
  const reason = detail.text("reason");
  return {
    ...classified,
    type_uid: classified.class_uid * 100 + classified.activity_id,
    ...OUTCOMES[record.outcome],
    ...(record.code === undefined ? {} : { status_code: record.code }),
    ...(reason === undefined ? {} : { status_detail: reason }),
    ...(record.rule === undefined ? {} : { firewall_rule: { name: record.rule } }),
    time: Date.parse(record.at ?? record.time),
    metadata: {
      version: OCSF_VERSION,
      profiles: ["security_control"],
      product: {
        name: "Sandbox Claws",
        vendor_name: "Sandbox Claws",
        feature: { name: record.service },
      },
      uid: record.hash,
      sequence: record.seq,
      event_code: record.event,
      logged_time: Date.parse(record.time),
    },
    unmapped: {
      outcome: record.outcome,
      subject: record.subject,
      previous: record.previous,
      ...(record.session === undefined ? {} : { session: record.session }),
      ...(record.digest === undefined ? {} : { digest: record.digest }),
      ...(record.spool === undefined ? {} : { spool: record.spool }),
      ...(record.spoolSeq === undefined ? {} : { spoolSeq: record.spoolSeq }),
      detail: detail.rest(),
    },
  };
}
