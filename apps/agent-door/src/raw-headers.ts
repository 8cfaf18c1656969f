const CREDENTIAL = "proxy-authorization";

/**
 * The same header fields in the same order and spelling (names and values by turns, as Node gives them), with
 * this credential in the place of whatever the client sent.
 */
export function withCredential(rawHeaders: readonly string[], credential: string): string[] {
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (name.toLowerCase() !== CREDENTIAL) headers.push(name, value);
  }
  headers.push("Proxy-Authorization", credential);
  return headers;
}

const FRAMING = ["content-length", "transfer-encoding"];
const WITHOUT_BODY = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE"];

/**
 * Says that a request without a body has none (RFC 9110 section 8.6), where a client left it out and Node
 * would announce a chunked one.
 */
export function withBodyLength(method: string, rawHeaders: readonly string[]): string[] {
  const isFramed = rawHeaders.some((name, index) => index % 2 === 0 && FRAMING.includes(name.toLowerCase()));
  return isFramed || WITHOUT_BODY.includes(method) ? [...rawHeaders] : [...rawHeaders, "Content-Length", "0"];
}

/** A message head as it stands on the wire, the empty line included. To be written as latin1. */
export function formatHead(startLine: string, rawHeaders: readonly string[]): string {
  let head = `${startLine}\r\n`;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    head += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`;
  return `${head}\r\n`;
}
