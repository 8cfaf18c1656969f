import { readFileSync, statSync } from "node:fs";
import { type CompiledPolicy, EgressOverlay } from "@claws/contracts";
import { readHostAndPort } from "@claws/policy";
import { type Logger, readPolicyFile } from "@claws/service-kit";
import { createCallerRules, type Overlay, type OverlayDestination, type RulesOf } from "./caller-rules.ts";

/** The policy as it is at this moment. */
export interface LivePolicy {
  current(): CompiledPolicy;
  readonly rulesOf: RulesOf;
  /** Called after the policy or the overlay has changed. */
  onChange(listener: () => void): void;
  close(): void;
}

export interface LivePolicyParts {
  readonly policyFile: string;
  /** What people allowed for good while the stack ran; the file may be missing. */
  readonly overlayFile: string;
  readonly logger: Logger;
  readonly pollMs?: number;
}

/**
 * Reads the compiled policy, and again whenever one of its files changes: without a restart, and without a moment in
 * which nothing holds. A file that cannot be read or is no policy is reported, and the last good one stays.
 *
 * Files are looked at and not watched: on a volume the change comes from another container, which not every engine tells.
 */
export function createLivePolicy({
  policyFile,
  overlayFile,
  logger,
  pollMs = 1_000,
}: LivePolicyParts): LivePolicy {
  const listeners: (() => void)[] = [];
  let policy = readPolicyFile(policyFile);
  let stamps = stampOf(policyFile) + stampOf(overlayFile);
  let overlay = readOverlayOrReport([]);
  let rulesOf = createCallerRules(policy, byCaller(overlay));

  function readOverlayOrReport(lastGood: EgressOverlay["rules"]): EgressOverlay["rules"] {
    try {
      return readOverlay(overlayFile);
    } catch (error) {
      logger.error(
        { err: error },
        "the overlay of allowed destinations cannot be read: the last good one stays",
      );
      return lastGood;
    }
  }

  function look(): void {
    const now = stampOf(policyFile) + stampOf(overlayFile);
    if (now === stamps) return;
    stamps = now;
    try {
      policy = readPolicyFile(policyFile);
    } catch (error) {
      logger.error({ err: error }, "the changed policy cannot be used: the last good one stays");
    }
    overlay = readOverlayOrReport(overlay);
    rulesOf = createCallerRules(policy, byCaller(overlay));
    logger.info(
      { policy: policy.hash, profile: policy.profile, overlay: overlay.length },
      "policy read again",
    );
    for (const listener of listeners) listener();
  }
  const timer = setInterval(look, pollMs);
  timer.unref();

  return {
    current: () => policy,
    rulesOf: (caller) => rulesOf(caller),
    onChange: (listener) => void listeners.push(listener),
    close: () => clearInterval(timer),
  };
}

function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "none;" : `${stat.ino}:${stat.mtimeMs}:${stat.size};`;
}

function readOverlay(path: string): EgressOverlay["rules"] {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return [];
  return EgressOverlay.parse(JSON.parse(readFileSync(path, "utf8"))).rules;
}

/** An entry that is no destination opens nothing. */
function byCaller(entries: EgressOverlay["rules"]): Overlay {
  const destinations = new Map<string, OverlayDestination[]>();
  entries.forEach(({ allow, caller }, index) => {
    const destination = readHostAndPort(allow);
    if (destination === undefined) return;
    const known = destinations.get(caller) ?? [];
    destinations.set(caller, [...known, { ...destination, key: `overlay.rules[${index}]` }]);
  });
  return destinations;
}
