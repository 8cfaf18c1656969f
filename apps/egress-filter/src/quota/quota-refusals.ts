import type { QuotaRefusal } from "./connection-quota.ts";

const MEGABYTE = 1_000_000;

export function describeUsedUp(
  direction: "upload" | "download",
  host: string,
  { key, limit }: { readonly key: string; readonly limit: number },
): QuotaRefusal {
  const whose = key.endsWith("PerHost") ? `of this session for ${host}` : "of this session";
  const detail = `the ${direction} budget ${whose} is used up (${limit / MEGABYTE} MB): start a new session, or ask the operator to raise ${key}`;
  return { reason: "budget_exceeded", detail, key };
}

export function describeTooMany(limit: number, retryAfterMs: number): QuotaRefusal {
  const key = "egress.quotas.requestsPerMinute";
  const detail = `more than ${limit} requests in a minute: wait ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s and send fewer, or ask the operator to raise ${key}`;
  return { reason: "rate_limited", detail, key, retryAfterMs: Math.max(0, Math.ceil(retryAfterMs)) };
}

export function describeAway(): QuotaRefusal {
  const detail =
    "rate-limiter does not answer, and nothing goes out uncounted: try again, or see './claws status'";
  return { reason: "dependency_down", detail, retryAfterMs: 1_000 };
}
