import type { Authority } from "../authority.ts";
import { readInnerRequest, type RequestHead, type RequestReading } from "../read-request.ts";

/** The port that a `Host` or `:authority` without one means in here. */
const HTTPS_PORT = 443;

/**
 * Reads a request inside an inspected tunnel as strictly as one to the proxy: the same framing rules, and the
 * host that it names is the one that the tunnel was opened for.
 */
export function readInspectedRequest(head: RequestHead, tunnel: Authority): RequestReading {
  return readInnerRequest({ ...head, rawHeaders: withPorts(head.rawHeaders) }, tunnel);
}

/** What HTTP/2 says in pseudo-headers (RFC 9113 section 8.3.1), as the one strict reader wants it. */
export function readInspectedStream(rawHeaders: readonly string[], tunnel: Authority): RequestReading {
  const pseudo = new Map<string, string>();
  const plain: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const value = rawHeaders[index + 1] ?? "";
    if (name.startsWith(":")) pseudo.set(name, value);
    else plain.push(name, value);
  }
  const method = pseudo.get(":method") ?? "";
  const url = pseudo.get(":path") ?? "";
  if (method === "CONNECT" || pseudo.has(":protocol")) {
    const detail = "no further tunnel is opened inside an inspected one";
    return { ok: false, reason: "upgrade", detail, target: url, method };
  }
  if (pseudo.get(":scheme") !== "https") {
    const detail = "inside TLS the scheme is https";
    return { ok: false, reason: "scheme", detail, target: url, method };
  }
  const authority = pseudo.get(":authority");
  const hosts = plain.flatMap((name, index) =>
    index % 2 === 0 && name === "host" ? [plain[index + 1]] : [],
  );
  // Both may be sent, and then must be the same (section 8.3.1); a third opinion is one too many.
  if (authority !== undefined && hosts.some((host) => host !== authority)) {
    const detail = "Host and :authority must be the same";
    return { ok: false, reason: "host_mismatch", detail, target: url, method };
  }
  const isRepeated = authority !== undefined && hosts.length === 1;
  const rawHead = authority === undefined || isRepeated ? plain : ["host", authority, ...plain];
  return readInspectedRequest({ method, url, httpVersion: "1.1", rawHeaders: rawHead }, tunnel);
}

function withPorts(raw: readonly string[]): string[] {
  return raw.map((text, index) => {
    const isHost = index % 2 === 1 && raw[index - 1]?.toLowerCase() === "host";
    return isHost && !/:[^\]]*$/.test(text) ? `${text}:${HTTPS_PORT}` : text;
  });
}
