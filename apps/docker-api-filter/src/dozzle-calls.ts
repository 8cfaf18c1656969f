import { OURS } from "./fake-engine.ts";

/**
 * The calls of Dozzle v10 as its client library writes them: API version agreed on by `_ping`, twelve
 * digits of an id, `tail=` even when empty, and a negative time for "from the first line".
 */
const id = OURS.slice(0, 12);
const label = encodeURIComponent('{"label":{"com.docker.compose.project=claws-test":true}}');

export const DOZZLE_CALLS: readonly (readonly [what: string, method: "GET" | "HEAD", target: string])[] = [
  ["agree on a version", "HEAD", "/_ping"],
  ["agree on a version, second try", "GET", "/_ping"],
  ["describe the host", "GET", "/v1.41/info"],
  ["tell Docker from Podman", "GET", "/v1.41/version"],
  ["list containers", "GET", "/v1.41/containers/json?all=1"],
  ["list containers under DOZZLE_FILTER", "GET", `/v1.41/containers/json?all=1&filters=${label}`],
  ["wait for events", "GET", "/v1.41/events"],
  ["wait for events under a filter", "GET", `/v1.41/events?filters=${label}`],
  ["look at a container", "GET", `/v1.41/containers/${id}/json`],
  [
    "follow logs",
    "GET",
    `/v1.41/containers/${id}/logs?follow=1&since=1767225600.950000000&stderr=1&stdout=1&tail=100&timestamps=1`,
  ],
  [
    "fetch logs between dates",
    "GET",
    `/v1.41/containers/${id}/logs?since=1767225600.000000000&stderr=1&stdout=1&tail=&timestamps=1&until=1767229200.000000000`,
  ],
  [
    "download logs from the first line",
    "GET",
    `/v1.41/containers/${id}/logs?since=-62135596800.000000000&stdout=1&tail=&timestamps=1&until=1767229200.000000000`,
  ],
  ["follow statistics", "GET", `/v1.41/containers/${id}/stats?stream=1`],
  ["the same through a newer engine", "GET", `/v1.52/containers/${id}/stats?stream=1`],
];
